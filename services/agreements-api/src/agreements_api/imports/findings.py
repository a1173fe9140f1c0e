"""What is to be said of a cell, with the place where people find it."""

from collections.abc import Mapping
from dataclasses import dataclass

from agreements_api.imports.inspection import column_letters
from agreements_api.imports.models import Severity
from agreements_api.imports.reader import Headers
from agreements_api.imports.table import FORMULA, WRONG_VALUE
from agreements_api.imports.values import NotUnderstood, Raw, shortened

Wording = Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """One error or notice. `column` is none where the whole row is meant."""

    severity: Severity
    row: int
    column: int | None
    cell: str
    header: str | None
    code: str
    detail: Wording
    value: str | None


class Findings:
    """Collects what is found in a table: all of it is counted, and so many of each severity are kept."""

    def __init__(self, headers: Headers, most: int) -> None:
        self._headers = headers
        self._most = most
        self._found: dict[Severity, list[Finding]] = {severity: [] for severity in Severity}
        self._counts = dict.fromkeys(Severity, 0)

    @property
    def errors(self) -> int:
        return self._counts[Severity.ERROR]

    @property
    def notices(self) -> int:
        return self._counts[Severity.NOTICE]

    def kept(self) -> list[Finding]:
        """From the top of the table to its bottom; where there are too many, errors before notices."""
        found = [*self._found[Severity.ERROR], *self._found[Severity.NOTICE]][: self._most]
        return sorted(found, key=lambda one: (one.row, one.column or 0))

    def error(self, row: int, key: str | None, code: str, detail: Wording, value: Raw = None) -> None:
        self._add(Severity.ERROR, row, key, code, detail, value)

    def notice(self, row: int, key: str | None, code: str, detail: Wording, value: Raw = None) -> None:
        self._add(Severity.NOTICE, row, key, code, detail, value)

    def not_understood(self, row: int, key: str, what: NotUnderstood, value: Raw = None) -> None:
        self.error(row, key, what.code, what.wording, value)

    def _add(self, severity: Severity, row: int, key: str | None, code: str, detail: Wording, value: Raw) -> None:
        self._counts[severity] += 1
        if len(self._found[severity]) == self._most:
            return
        column, header = self._headers.columns.get(key or "", (None, None))
        self._found[severity].append(
            Finding(
                severity=severity,
                row=row,
                column=column,
                cell=f"{column_letters(column)}{row}" if column else str(row),
                header=header,
                code=code,
                detail=detail,
                value=None if value is None or value in (FORMULA, WRONG_VALUE) else shortened(value, 200),
            )
        )


def check_mark(findings: Findings, row: int, key: str, value: Raw) -> bool:
    """Whether a cell holds a value of its own; a formula's is not believed."""
    if value is FORMULA:
        findings.error(
            row,
            key,
            "formula",
            {
                "vi": "Ô này là công thức; hãy dán thành giá trị.",
                "en": "This cell is a formula; paste it as a value.",
            },
        )
        return False
    if value is WRONG_VALUE:
        findings.error(
            row,
            key,
            "wrong_value",
            {"vi": "Ô này chứa giá trị lỗi của bảng tính.", "en": "This cell holds an error of the spreadsheet."},
        )
        return False
    return True


def missing_columns(findings: Findings, headers: Headers) -> None:
    """One error for each column that has to be there; they stand at the row of the headers."""
    for name in headers.missing:
        findings.error(
            headers.row,
            None,
            "missing_column",
            {"vi": f"Thiếu cột bắt buộc «{name}».", "en": f"The column “{name}” is needed and not there."},
        )
