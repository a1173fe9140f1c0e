"""What can be wrong with a succession or an organisation."""

from shared.problems import Conflict, FieldError, Unprocessable


class SuccessionCycle(Unprocessable):
    """A unit would, in the end, succeed itself."""

    code = "succession_cycle"
    title = {
        "vi": "Chuỗi kế thừa đơn vị tạo thành vòng lặp",
        "en": "The succession of units makes a cycle",
    }


class InvalidSuccession(Unprocessable):
    """An edge does not fit the units as they are recorded."""

    code = "invalid_succession"
    title = {
        "vi": "Dữ liệu sắp xếp đơn vị không hợp lệ",
        "en": "The succession does not fit the recorded units",
    }


class InvalidOrganization(Unprocessable):
    """A unit or superior that an organisation cannot have."""

    code = "invalid_organization"
    title = {
        "vi": "Thông tin cơ quan không hợp lệ",
        "en": "The organisation's data is not valid",
    }


class InvalidContact(Unprocessable):
    """A focal point that nobody could reach, or an account that is not the organisation's."""

    code = "invalid_contact"
    title = {
        "vi": "Thông tin đầu mối không hợp lệ",
        "en": "The focal point's data is not valid",
    }


class TooManyContacts(Conflict):
    code = "too_many_contacts"
    title = {
        "vi": "Cơ quan đã có đủ số đầu mối cho phép",
        "en": "The organisation has as many focal points as it may",
    }


def fault(pointer: str, code: str, vi: str, en: str) -> FieldError:
    return FieldError(pointer, code, {"vi": vi, "en": en})


def unknown(pointer: str) -> FieldError:
    """An identifier that leads nowhere."""
    return fault(pointer, "unknown_reference", "Không có bản ghi này.", "There is no such record.")
