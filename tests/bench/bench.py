"""The numbers behind the README: each figure beside its limit or its peer, measured in the same run.

Writes only to a loop device made here over a file made here; serves only on loopback.
"""
import argparse
import contextlib
import hashlib
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
WORK = TOP / 'target' / 'bench'
DIST = TOP / 'dist'
MIB = 1 << 20
PORT = 18480

NGINX = """
daemon off; pid {work}/nginx.pid; error_log {work}/nginx.err; worker_processes 1;
events {{ worker_connections 64; }}
http {{ access_log off; sendfile on; client_body_temp_path {work}/t1; proxy_temp_path {work}/t2;
  fastcgi_temp_path {work}/t3; uwsgi_temp_path {work}/t4; scgi_temp_path {work}/t5;
  server {{ listen 127.0.0.1:{port}; root {work}/www; }} }}
"""


class Run:
    """What one command took: wall seconds, CPU seconds, peak resident KiB."""

    def __init__(self, argv):
        # time(1) in between: a child's peak starts at its parent's size, and Python is no small parent.
        taken = WORK / 'taken'
        argv = ['time', '--quiet', '-f', '%e %U %S %M', '-o', str(taken), *argv]
        done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if done.returncode:
            sys.exit(f'{argv[6]} failed ({done.returncode}): {done.stderr.decode(errors="replace")[-800:]}')
        self.wall, user, system, self.rss = map(float, taken.read_text().split())
        self.cpu = user + system


def make_image(path, size):
    """Random bytes: nothing on the way can take a short cut. Gives the SHA-256."""
    digest = hashlib.sha256()
    with open(path, 'wb') as image:
        for _ in range(size // MIB):
            block = os.urandom(MIB)
            digest.update(block)
            image.write(block)
    return digest.hexdigest()


@contextlib.contextmanager
def nginx():
    (WORK / 'www').mkdir(parents=True, exist_ok=True)
    conf = WORK / 'nginx.conf'
    conf.write_text(NGINX.format(work=WORK, port=PORT))
    server = subprocess.Popen(['nginx', '-c', str(conf), '-p', str(WORK)])
    try:
        for _ in range(100):
            if subprocess.run(['curl', '-s', '-o', '/dev/null', f'http://127.0.0.1:{PORT}/']).returncode == 0:
                break
            time.sleep(0.05)
        yield
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def loop_device(size):
    """A block device over a file, with direct I/O all the way down."""
    backing = WORK / 'disk'
    with open(backing, 'wb') as disk:
        os.posix_fallocate(disk.fileno(), 0, size)
    argv = ['losetup', '--find', '--show', '--direct-io=on', str(backing)]
    device = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    try:
        yield device
    finally:
        subprocess.run(['losetup', '--detach', device], check=True)
        backing.unlink()


def throughput(args):
    """Rows of the write path: name, MiB/s, CPU s/GiB, peak RSS MiB."""
    size = args.mib * MIB
    with contextlib.ExitStack() as stack:
        stack.enter_context(nginx())
        digest = make_image(WORK / 'www' / 'image.raw', size)
        device = stack.enter_context(loop_device(size + 64 * MIB))
        url = f'http://127.0.0.1:{PORT}/image.raw'
        ironlet = [args.ironlet, '--write-image', url, '--checksum', f'sha256:{digest}',
                   '--disk', device, '--allow-disk', device]
        peers = {
            'ironlet': ironlet,
            "IPA's streaming loop": [args.ipa_python, str(HERE / 'ipa_loop.py'), url, digest, device],
            'fio direct write': ['fio', '--name=w', f'--filename={device}', '--rw=write', '--bs=1M', '--direct=1',
                                 '--ioengine=libaio', '--iodepth=4', f'--size={size}', '--end_fsync=1'],
            'bare SHA-256 (openssl)': ['openssl', 'dgst', '-sha256', str(WORK / 'www' / 'image.raw')],
            'curl to /dev/null': ['curl', '-s', '-o', '/dev/null', url],
            'curl | tee >(sha256sum) | dd': ['bash', '-c', f'curl -s {url} | tee >(sha256sum >/dev/null) | '
                                             f'dd of={device} oflag=direct iflag=fullblock bs=4M conv=fsync'],
        }
        if not os.path.exists(args.ipa_python):
            print(f'(no IPA at {args.ipa_python}: its row is left out)')
            del peers["IPA's streaming loop"]
        # Interleaved, so that a noisy minute hits everybody.
        runs = {name: [] for name in peers}
        for _ in range(args.rounds):
            for name, argv in peers.items():
                runs[name].append(Run(argv))
        for name in peers:
            of = lambda field: statistics.median(getattr(run, field) for run in runs[name])  # noqa: E731
            yield name, args.mib / of('wall'), of('cpu') / (args.mib / 1024), of('rss') / 1024


def sizes():
    """Rows of what has a fixed limit: name, MiB, limit in MiB."""
    for name, path, limit in [('binary', DIST / 'ironlet', 3),
                              ('userland part of the initramfs', TOP / 'target/initramfs/userland.cpio.xz', 1.5),
                              ('initramfs, vm profile', DIST / 'ironlet.initramfs', 4)]:
        yield name, path.stat().st_size / MIB, limit


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--ironlet', default=str(DIST / 'ironlet'))
    parser.add_argument('--ipa-python', default=str(TOP / 'target/tools/ipa-venv/bin/python'))
    parser.add_argument('--mib', type=int, default=1024, help='image size')
    parser.add_argument('--rounds', type=int, default=3)
    args = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    failed = False

    print(f'{"size":32} {"MiB":>8} {"limit":>8}')
    for name, mib, limit in sizes():
        over = mib > limit
        failed |= over
        print(f'{name:32} {mib:8.2f} {limit:8.2f} {"OVER" if over else ""}')

    print(f'\n{"write path":32} {"MiB/s":>8} {"CPU s/GiB":>10} {"RSS MiB":>8} {"speed/ironlet":>14}')
    own = None
    for name, rate, cpu, rss in throughput(args):
        own = own or rate
        print(f'{name:32} {rate:8.0f} {cpu:10.2f} {rss:8.1f} {rate / own:14.2f}')
        if name == 'ironlet' and rss > 24:
            failed = True
            print('  OVER: the limit is 24 MiB resident')
    sys.exit(failed)


main()
