"""The proxies that deploy/ configures, run for real; and clients that send slowly."""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.services import free_ports, wait_until

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
HOST = "127.0.0.1"
KINDS = ("nginx", "caddy")
# Where a Caddy knows `request_buffers`; the shipped file says what older ones take.
FIRST_WITH_BUFFERS = (2, 6, 3)


def program(kind: str) -> str | None:
    """Its path; Debian keeps nginx where only root looks."""
    return shutil.which(kind, path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def running_proxy(kind: str, folder: Path, upstream: int) -> Iterator[tuple[int, Path]]:
    """The shipped configuration with this machine's ports and certificate; gives its port, which
    speaks TLS, and the certificate to trust."""
    port, plain = free_ports(2)
    certificate, key = make_certificate(folder)
    write = nginx_command if kind == "nginx" else caddy_command
    with (folder / f"{kind}.log").open("w") as log:
        process = subprocess.Popen(
            write(folder, port, plain, upstream, certificate, key),
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={"HOME": str(folder), "XDG_DATA_HOME": str(folder)},
        )
    try:
        wait_until(lambda: listens(port), f"{kind} on {port}", patience=20)
        yield port, certificate
    finally:
        process.terminate()
        process.wait(timeout=20)


def nginx_command(
    folder: Path, port: int, plain: int, upstream: int, certificate: Path, key: Path
) -> list[str]:
    shipped = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    text = re.sub(r"\n *listen \[::\].*;", "", shipped)
    for old, new in (
        ("127.0.0.1:8000", f"{HOST}:{upstream}"),
        ("listen 80;", f"listen {HOST}:{plain};"),
        ("listen 443 ssl", f"listen {HOST}:{port} ssl"),
        ("server_name calsync.example;", f"server_name {HOST};"),
        ("/etc/ssl/calsync/fullchain.pem", str(certificate)),
        ("/etc/ssl/calsync/privkey.pem", str(key)),
        ("/var/log/nginx/calsync.log", str(folder / "access.log")),
    ):
        assert old in text, old
        text = text.replace(old, new)
    paths = "".join(
        f"    {name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = (
        f"daemon off;\nmaster_process off;\npid {folder}/nginx.pid;\nerror_log stderr;\n"
        f"events {{}}\nhttp {{\n{paths}{text}}}\n"
    )
    (folder / "nginx.conf").write_text(whole, encoding="utf-8")
    return [str(program("nginx")), "-c", str(folder / "nginx.conf"), "-p", str(folder)]


def caddy_command(
    folder: Path, port: int, _plain: int, upstream: int, certificate: Path, key: Path
) -> list[str]:
    text = (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    for old, new in (
        ("127.0.0.1:8000", f"{HOST}:{upstream}"),
        ("\n{\n\tservers {", "\n{\n\tadmin off\n\tauto_https off\n\tservers {"),
        ("\ncalsync.example {", f"\nhttps://{HOST}:{port} {{\n\ttls {certificate} {key}"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    if caddy_version() < FIRST_WITH_BUFFERS:
        text = text.replace(
            "\t\trequest_buffers 256KB", "\t\tbuffer_requests\n\t\tmax_buffer_size 256KB"
        )
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    return [str(program("caddy")), "run", "--config", str(folder / "Caddyfile")]


def caddy_version() -> tuple[int, ...]:
    command = [str(program("caddy")), "version"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", told.split()[0])[:3])


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "calsync.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "certificate.pem", folder / "key.pem"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return paths


def listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def unsent_bodies(connections: list[socket.socket], address: str = "/login") -> Iterator[None]:
    """On each connection a POST that announces a thousand bytes and sends ten of them."""
    with ExitStack() as stack:
        for connection in connections:
            stack.enter_context(connection)
            connection.sendall(
                f"POST {address} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000\r\n"
                "Content-Type: application/x-www-form-urlencoded\r\n\r\nemail=aya%".encode()
            )
        yield
