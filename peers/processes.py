"""A worker process: requests and replies, a time limit, a memory limit, and a pause before each request."""
from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import time


PAUSE = 0.05  # seconds before each request


class RequestFailed(Exception):
    """The worker said no; it is still there."""


class WorkerDied(Exception):
    """The worker is gone: it crashed, or went beyond a limit."""


def environment(threads):
    """The environment of a worker: as many threads for everybody, no accelerators."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NPROC")
    return {
        **os.environ,
        **{name: str(threads) for name in names},
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'} intra_op_parallelism_threads={threads}",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "TORCHINDUCTOR_COMPILE_THREADS": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def memory_limit():
    """Bytes of resident memory beyond which a worker is ended: 14 GiB, or 70 % of the machine's."""
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 14 * 2**30
    return min(14 * 2**30, int(0.7 * total))


def _child(cpus):
    """Runs in the child before it starts: the same processors for everybody, and no survivors if we are killed."""
    if cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cpus)
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    except (OSError, AttributeError):
        pass


class Process:
    """One worker. Between requests it waits for the next one; PAUSE lets the threads of the last one asked, which may look for work a while, sleep first.

    It is not stopped by a signal meanwhile: the kernel then wakes its threads on one and the same processor, where they stayed for a tenth of a second
    and more, and everything took as long as on one thread.
    """

    def __init__(self, system, command, threads, log, limit=None):
        self.system, self.threads, self.log = system, threads, log
        self.limit = limit or memory_limit()
        cpus = sorted(os.sched_getaffinity(0))[:threads] if hasattr(os, "sched_getaffinity") else None
        self.errors = open(log, "ab")
        self.process = subprocess.Popen(
            command,
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            preexec_fn=(lambda: _child(cpus)) if os.name == "posix" else None,
        )
        self.buffer = b""

    def request(self, timeout=1800.0, **message):
        """The reply to a request."""
        time.sleep(PAUSE)
        try:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise WorkerDied(self._last_words("ended")) from None
        reply = json.loads(self._line(timeout))
        if not reply.pop("ok"):
            raise RequestFailed(reply["error"])
        return reply

    def _line(self, timeout):
        end = time.monotonic() + timeout
        out = self.process.stdout.fileno()
        while b"\n" not in self.buffer:
            if select.select([out], [], [], 0.5)[0]:
                part = os.read(out, 65536)
                if not part:
                    raise WorkerDied(self._last_words("ended"))
                self.buffer += part
            elif time.monotonic() > end:
                self.kill()
                raise WorkerDied(f"no answer within {timeout:.0f} s")
            elif self._resident() > self.limit:
                self.kill()
                raise WorkerDied(f"resident memory passed {self.limit / 2**30:.0f} GiB")
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line

    def _resident(self):
        try:
            with open(f"/proc/{self.process.pid}/statm") as file:
                return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            return 0

    def _last_words(self, what):
        code = self.process.wait()
        self.errors.flush()
        with open(self.log, "rb") as file:
            lines = file.read()[-2000:].decode(errors="replace").strip().splitlines()
        return f"the worker {what} (code {code}): {lines[-1].strip() if lines else 'without a message'}"

    def kill(self):
        """Ends it at once."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def close(self):
        """Asks it to quit; ends it if it does not."""
        if self.process.poll() is None:
            try:
                self.process.stdin.write(b'{"command": "quit"}\n')
                self.process.stdin.close()
                self.process.wait(timeout=10)
            except (OSError, subprocess.TimeoutExpired):
                self.kill()
        self.errors.close()
