"""The text that is signed: how it reads, and that nobody changes anything about it unnoticed."""

import asyncio
import hashlib
from uuid import UUID

import asyncpg
import pytest
from typer.testing import CliRunner, Result

from agreements_api.agreements import texts_repository
from agreements_api.agreements.models import Agreement, Clause, Party, TextFormat
from agreements_api.agreements.texts import Records, digest_of, render
from agreements_api.cli import app as commands
from shared.clock import now
from tests.agreements_api.agreements.test_signing import path_of
from tests.agreements_api.agreements.world import PARTIES, Json, World, problem, signature

ZERO = "0" * 64
TEXT = """\
KẾ HOẠCH PHỐI HỢP
Số: 15-KH/BTV
  Kế hoạch phối hợp
  thực hiện Kết luận

Căn cứ Kết luận số 352-KL – Kết luận về liên kết vùng (Ban Thường vụ ba tỉnh ban hành);

Các bên:
1. Thị ủy Đông Triều (ký kết)
2. Tỉnh ủy Quảng Ninh (chứng kiến, không bắt buộc)

Điều 1. Giao thông
  Đưa các tuyến vào quy hoạch.
  Điều 2. Không phải một điều.
Lĩnh vực: hạ tầng

Thời hạn: từ ngày có hiệu lực, đến hết ngày 31/12/2030.

Lĩnh vực hợp tác:
- hạ tầng

Các bên ký không theo thứ tự.

ĐẠI DIỆN THỊ ỦY ĐÔNG TRIỀU
(ký, ghi rõ họ tên, chức vụ)

ĐẠI DIỆN TỈNH ỦY QUẢNG NINH
(ký, ghi rõ họ tên, chức vụ)
"""


def records() -> Records:
    moment = now()
    agreement = Agreement(
        instrument="plan",
        number="15-KH/BTV",
        title="Kế hoạch phối hợp\nthực hiện Kết luận",
        folded="",
        parent={
            "instrument": "conclusion",
            "number": "352-KL",
            "title": "Kết luận về liên kết vùng",
            "issued_by": "Ban Thường vụ ba tỉnh",
        },
        fields_=["hạ tầng"],
        custodian_organization_id=UUID(int=1),
        custodian_name="Thị ủy Đông Triều",
        original_term_to=moment.date().replace(year=2030, month=12, day=31),
        created_at=moment,
        updated_at=moment,
    )
    sign = Party(
        agreement_id=agreement.id, ordinal=1, organization_id=UUID(int=1), organization_name="Thị ủy Đông Triều"
    )
    witness = Party(
        agreement_id=agreement.id,
        ordinal=2,
        organization_id=UUID(int=2),
        organization_name="Tỉnh ủy Quảng Ninh",
        role="witness",
        required=False,
    )
    clause = Clause(
        agreement_id=agreement.id,
        ordinal=1,
        heading="Giao thông",
        text="Đưa các tuyến vào quy hoạch.\nĐiều 2. Không phải một điều.",
        field="hạ tầng",
    )
    return Records(agreement, [sign, witness], [clause])


def test_a_text_reads_like_the_paper_that_it_stands_for() -> None:
    assert render(records()) == TEXT


def test_a_window_that_was_agreed_upon_stands_in_the_text_as_it_was_signed() -> None:
    given = records()
    given.agreement.original_response_working_days, given.agreement.response_working_days = 10, 7
    line = "Thời hạn trả lời của bên phối hợp: 10 ngày làm việc kể từ ngày đề nghị xác nhận."
    assert render(given) == TEXT.replace("\n\nLĩnh vực hợp tác:", f"\n\n{line}\n\nLĩnh vực hợp tác:")


def test_what_amendments_bring_in_later_does_not_touch_the_text_that_was_signed() -> None:
    signed = records()
    later = Clause(agreement_id=signed.agreement.id, ordinal=2, text="Thêm", amendment_id=UUID(int=9))
    joined = signed.parties[0].model_copy(update={"id": UUID(int=3), "amendment_id": UUID(int=9)})
    amended = Records(signed.agreement, [*signed.parties, joined], [*signed.clauses, later])
    signed.agreement.term_to = now().date()
    for text_format in TextFormat:
        assert render(amended, text_format) == render(signed, text_format)


def test_a_clause_cannot_pass_for_two() -> None:
    one = records()
    clause = one.clauses[0]
    two = [
        clause.model_copy(update={"text": "Đưa các tuyến vào quy hoạch.", "field": None}),
        clause.model_copy(update={"ordinal": 2, "heading": "Không phải một điều.", "text": "x"}),
    ]
    assert digest_of(render(one)) != digest_of(render(Records(one.agreement, one.parties, two)))


async def test_an_untouched_text_is_valid_and_says_what_was_looked_at(world: World) -> None:
    plan = await world.opened()
    path = path_of(plan)
    await world.person("chilinh").step(path, "sign", signature("chilinh"))
    await world.person("kinhmon").step(path, "decline", {"reason": "Bổ sung"})
    await world.person("dongtrieu").step(path, "open")
    for key in PARTIES:
        await world.person(key).step(path, "sign", signature(key))
    found = await world.person("lucnam").read(f"{path}/text/verification")
    assert (found["valid"], found["text_digest"], found["text_format"]) == (True, plan["text_digest"], "text")
    assert sorted((one["check"], one["void"]) for one in found["checks"]) == sorted(
        [
            ("text", False),
            ("rendering", False),
            ("withdrawn_text", True),
            ("signature", True),
            *[("signature", False)] * 5,
            *[("party", False)] * 5,
        ]
    )
    assert {one["outcome"] for one in found["checks"]} == {"matches"}


async def test_only_members_are_told(world: World) -> None:
    plan = await world.opened()
    for key in ("elsewhere", "ubnd-dongtrieu"):
        problem(await world.person(key).get(f"{path_of(plan)}/text/verification"), 404, "not_found")
    problem(await world.client("chilinh", "tasks:read").get(f"{path_of(plan)}/text/verification"), 403, "forbidden")
    draft = await world.draft()
    problem(await world.person("dongtrieu").get(f"{path_of(draft)}/text/verification"), 404, "not_found")


# As the owner of the tables, with the triggers that forbid it switched off.
FORGERIES = {
    "text": "update agreement set frozen_text = frozen_text || 'thêm' where id = $1",
    "digest": f"update agreement set text_digest = '{ZERO}' where id = $1",
    "title": "update agreement set title = 'khác' where id = $1",
    "term": "update agreement set original_term_to = '2099-01-01' where id = $1",
    "clause": "update agreement_clause set text = 'khác' where agreement_id = $1 and ordinal = 1",
    "party": "update agreement_party set organization_name = 'khác' where agreement_id = $1 and ordinal = 1",
    "signature": f"update signature set text_digest = '{ZERO}' where agreement_id = $1",
    "no signature": "delete from signature where agreement_id = $1",
    "not signed": "update agreement_party set signed_at = null where agreement_id = $1 and ordinal = 1",
}


@pytest.mark.parametrize("what", list(FORGERIES))
async def test_a_forgery_is_found_and_named(world: World, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await world.opened()
    await world.person("dongtrieu").step(path_of(plan), "sign", signature("dongtrieu"))
    good = await command(world, monkeypatch, plan["id"])
    assert (good.exit_code, good.stdout) == (0, "1 texts are what was signed, 0 differ\n")
    await forge(world, plan, FORGERIES[what])
    found = await world.person("chilinh").read(f"{path_of(plan)}/text/verification")
    assert found["valid"] is False
    named = [one for one in found["checks"] if one["outcome"] == "differs"]
    expected = {
        "text": {"text", "rendering", "signature"},
        "digest": {"text"},
        "signature": {"signature"},
        "no signature": {"party"},
        "not signed": {"party"},
    }
    assert {one["check"] for one in named} == expected.get(what, {"rendering"})
    bad = await command(world, monkeypatch, plan["id"])
    assert bad.exit_code == 1
    assert plan["id"] in bad.stderr
    assert all(one["check"] in bad.stderr for one in named)


async def test_all_are_proved_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = await world.opened()
    before = await command(world, monkeypatch, "--all")
    await forge(world, plan, FORGERIES["clause"])
    after = await command(world, monkeypatch, "--all")
    assert (after.exit_code, f"agreement {plan['id']}: rendering differs" in after.stderr) == (1, True)
    assert len(after.stderr.splitlines()) == len(before.stderr.splitlines()) + 1


async def test_a_command_that_names_nothing_or_too_much_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await world.draft()
    assert (await command(world, monkeypatch)).exit_code == 2
    assert (await command(world, monkeypatch, draft["id"], "--all")).exit_code == 2
    assert (await command(world, monkeypatch, draft["id"])).exit_code == 1


@pytest.mark.parametrize(
    "statement",
    [
        "update agreement set frozen_text = 'khác' where id = $1",
        "update agreement set frozen_text = null, text_digest = null, status = 'draft' where id = $1",
        f"update agreement set text_digest = '{ZERO}' where id = $1",
    ],
)
async def test_not_even_sql_changes_a_text_that_was_signed(world: World, statement: str) -> None:
    plan = await world.plan()
    with pytest.raises(asyncpg.RaiseError, match="cannot change"):
        await world.rows(statement, UUID(plan["id"]))


@pytest.mark.parametrize(
    "statement",
    [
        "update signature set signatory_name = 'khác'",
        "update signature set text_digest = ''",
        "update withdrawn_text set content = ''",
        "delete from withdrawn_text",
    ],
)
async def test_the_application_can_only_void_a_signature(world: World, statement: str) -> None:
    connection = await asyncpg.connect(world.address.url)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_text_of_the_foundation_stays_valid_as_it_is(world: World) -> None:
    plan = await world.plan(term_to="2030-12-31")
    agreement_id = UUID(plan["id"])
    async with world.registry.database.transaction(world.person("dongtrieu").actor) as session:
        recorded = await texts_repository.records_of(session, [agreement_id], held=False)
    kept = render(Records(recorded.agreements[agreement_id], recorded.parties, recorded.clauses), TextFormat.JCS)
    digest = hashlib.sha256(kept.encode()).hexdigest()
    await forge(
        world,
        plan,
        "update agreement set frozen_text = $2, text_digest = $3, text_format = 'jcs' where id = $1",
        kept,
        digest,
    )
    await world.rows("update signature set text_digest = $2 where agreement_id = $1", agreement_id, digest)
    found = await world.person("chilinh").read(f"{path_of(plan)}/text/verification")
    assert (found["valid"], found["text_format"]) == (True, "jcs")
    text = await world.person("chilinh").read(f"{path_of(plan)}/text")
    assert (text["text"], text["text_format"], text["text_digest"]) == (kept, "jcs", digest)


async def test_a_signature_under_a_text_that_was_not_kept_is_told_as_such(world: World) -> None:
    plan = await world.opened()
    await world.person("dongtrieu").step(path_of(plan), "sign", signature("dongtrieu"))
    await world.person("chilinh").step(path_of(plan), "decline", {"reason": "x"})
    await world.rows("delete from withdrawn_text where agreement_id = $1", UUID(plan["id"]))
    found = await world.person("chilinh").read(f"{path_of(plan)}/text/verification")
    assert found["valid"] is True
    assert [(one["check"], one["void"], one["outcome"]) for one in found["checks"]] == [("signature", True, "not_kept")]


async def forge(world: World, plan: Json, statement: str, *more: str) -> None:
    connection = await asyncpg.connect(world.address.owner_url)
    try:
        async with connection.transaction():
            for table in ("agreement", "agreement_clause"):
                await connection.execute(f"alter table {table} disable trigger user")
            await connection.execute(statement, UUID(plan["id"]), *more)
            for table in ("agreement", "agreement_clause"):
                await connection.execute(f"alter table {table} enable trigger user")
    finally:
        await connection.close()


async def command(world: World, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.setenv("AGREEMENTS_API_DATABASE_URL", world.address.url)
    monkeypatch.setenv("LIENVUNG_ENVIRONMENT", "test")
    return await asyncio.to_thread(CliRunner().invoke, commands, ["verify-text", *arguments])
