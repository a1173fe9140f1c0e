"""The story tells of each message once, in the order in which they came, and of none that is not whole yet."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from lienvung.story import stage
from lienvung.story.mailbox import Mailbox, address_of


def arrive(folder: Path, name: str, username: str, subject: str, text: str) -> None:
    message = EmailMessage()
    message["To"], message["Subject"] = address_of(username), subject
    message.set_content(text)
    (folder / name).write_bytes(message.as_bytes())


async def test_each_message_is_told_once_in_its_turn(tmp_path: Path) -> None:
    arrive(tmp_path, "2.eml", "an", "Hai", "/v1/tasks/1")
    arrive(tmp_path, "1.eml", "an", "Một", "/v1/tasks/1")
    arrive(tmp_path, "0.eml", "binh", "Không", "/v1/tasks/1")
    arrive(tmp_path, "3.eml", "an", "Ba", "/v1/tasks/2")
    box = Mailbox(tmp_path)
    assert [await box.message("an", "/v1/tasks/1") for _ in range(2)] == ["Một", "Hai"]
    assert await box.message("an", "/v1/tasks/2") == "Ba"


async def test_a_message_that_is_being_written_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "WAIT_SECONDS", 0.4)
    (tmp_path / ".1.eml").write_bytes(b"Subject: =?utf-8?q?M=E1=BB")
    with pytest.raises(stage.StoryError, match="the mail to an about /v1/tasks/1 did not arrive"):
        await Mailbox(tmp_path).message("an", "/v1/tasks/1")
