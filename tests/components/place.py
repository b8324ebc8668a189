"""Where everything is: directories, names, ports; and the namespace, made so that nothing leaves it."""

import contextlib
import os
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
TARGET = HERE.parent.parent / "target"
# Unpacked there by tests/squid.sh.
SQUID = TARGET / "tools/squid"
IRONLET = os.environ.get("IRONLET", str(HERE.parent.parent / "dist/ironlet"))

# Names that only this namespace knows; .test is nobody's (RFC 6761).
HOSTS = """127.0.0.1 localhost
::1 localhost
127.0.0.1 images.test
127.0.0.2 mirror.test
127.0.0.3 cache.test
"""
# Nobody listens there: a name that is not in HOSTS is a name that cannot be resolved.
RESOLVER = "nameserver 127.0.0.9\noptions timeout:1 attempts:1\n"

PORTS = dict(
    http=18080, mirror=18081, fragile=18082,
    https=18443, expired=18444, wrong_name=18445, old_tls=18446, tls12=18447, client=18448, unknown=18449,
    squid=13128, guarded=13129, squid_plain_front=13130, squid_front=13131, opening=13132, squid_secure=13133, secure_opening=13134,
    trafficserver=18100, trafficserver_front=18101, odd=18300, odd_tls=18301, odd_handshake=18302, chaos=18200, ironic=16385, agents=19990)


def command(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@contextlib.contextmanager
def prepared(files):
    """The loopback with the names above; only in namespaces of one's own, where no link is up yet. Gives the directory `files` by another
    path, that Squid and Traffic Server may walk once they are somebody else, and can spell in their configuration."""
    up = command("ip", "-brief", "link", "show", "up")
    assert not up, f"this is no namespace of our own: {up}"
    command("ip", "link", "set", "lo", "up")
    command("mount", "--make-rprivate", "/")
    os.chmod(files, 0o755)
    with tempfile.TemporaryDirectory(prefix="ironlet-", dir="/run") as place:
        work = pathlib.Path(place)
        command("mount", "--bind", files, work)
        try:
            for name, text in (("hosts", HOSTS), ("resolv.conf", RESOLVER)):
                (work / name).write_text(text)
                # Where there is none, or a link that leads nowhere, nobody is asked either.
                if os.path.exists(f"/etc/{name}"):
                    command("mount", "--bind", work / name, os.path.realpath(f"/etc/{name}"))
            yield work
        finally:
            command("umount", "--lazy", work)


def template(name, **values):
    """A file of this folder with @names@ replaced; a name that is left over is a mistake."""
    text = (HERE / name).read_text()
    for key, value in {**PORTS, **values}.items():
        text = text.replace(f"@{key}@", str(value))
    assert "@" not in text.replace("@SECLEVEL", ""), f"{name}: {text.split('@')[1]} has no value"
    return text
