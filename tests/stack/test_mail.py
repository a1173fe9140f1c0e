"""The local mail server keeps every message whole, as a file of its own."""

import asyncio
import smtplib
import sys
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from lienvung.postgres import free_port
from lienvung.processes import Launch, Ledger
from lienvung.stack import until_connected
from lienvung.supervisor import Part, Supervisor


@pytest.fixture
async def mail_port(tmp_path: Path) -> AsyncIterator[int]:
    port = free_port()
    command = (sys.executable, "-m", "lienvung.mail", "127.0.0.1", str(port), str(tmp_path / "mail"))
    supervisor = Supervisor(ledger=Ledger(tmp_path / "ledger"), logs=tmp_path / "logs", observe=lambda *_: None)

    async def ready(_: Part) -> None:
        await until_connected(port)

    await supervisor.start(Part("mail", "", lambda: Launch(command), ready))
    yield port
    await supervisor.stop_all()


async def test_each_message_is_kept_as_it_was_sent(mail_port: int, tmp_path: Path) -> None:
    subjects = ["Nhiệm vụ quá hạn", "Nhiệm vụ sắp đến hạn"]
    await asyncio.to_thread(_send, mail_port, subjects)
    kept = [message_from_bytes(path.read_bytes(), policy=default) for path in sorted((tmp_path / "mail").glob("*.eml"))]
    assert [message["Subject"] for message in kept] == subjects
    assert kept[0].get_content().strip() == "Đông Triều"


def _send(port: int, subjects: list[str]) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        for subject in subjects:
            message = EmailMessage()
            message["From"], message["To"], message["Subject"] = "a@lienvung.example", "b@lienvung.example", subject
            message.set_content("Đông Triều")
            client.send_message(message)
