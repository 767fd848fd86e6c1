"""What a process can do to itself so that code which it runs next can hurt little; `sandbox.py` starts it as a script.

Three layers: resource limits (time, memory, size of files), on Linux a seccomp filter (no other process is started or
signalled, no connection opened, no limit raised; nothing can take it back), and a hook of the interpreter that refuses
to change files outside the current folder. The hook is Python's, so machine code that a program brings along passes it,
but not the filter. It imports little, for it starts once a program (50 ms, of which 45 are Python itself).
"""

import ctypes
import os
import resource
import signal
import sys
from collections import namedtuple
from collections.abc import Callable

PROGRAM = "program.py"


def main(cpu_s: int, memory_bytes: int, file_bytes: int, report: int) -> None:
    """Limit this process, then run the program in its folder and say how it ended."""
    source = open(PROGRAM, "rb").read()
    sys.argv, sys.path[:0] = [PROGRAM], [os.getcwd()]
    module = sys.modules["__main__"] = type(sys)("__main__")
    confine(cpu_s, memory_bytes, file_bytes)
    os.write(report, _ended(source, module.__dict__).encode())


def confine(cpu_s: int, memory_bytes: int, file_bytes: int) -> None:
    """Put all three layers around this process, for good; only its current folder can be written from here on."""
    _limit(cpu_s, memory_bytes, file_bytes)
    deny_processes_and_network()
    sys.addaudithook(_writes_only_inside(os.getcwd()))


def held_bytes() -> int:
    """The addresses this process holds already, which a limit of memory counts too; 0 where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _ended(source: bytes, names: dict[str, object]) -> str:
    """Run a program; "ok", "memory" or "error", with the traceback on stderr as Python shows it."""
    try:
        exec(compile(source, PROGRAM, "exec"), names)
        sys.stdout.flush()
        return "ok"
    except MemoryError:
        sys.stderr.write("MemoryError\n")
        return "memory"
    except SystemExit as error:
        sys.stderr.write(f"SystemExit: {error.code}\n")
    except BaseException as error:
        trace = error.__traceback__.tb_next if error.__traceback__ else None  # without our own line
        sys.excepthook(type(error), error.with_traceback(trace), trace)
    return "error"


def _limit(cpu_s: int, memory_bytes: int, file_bytes: int) -> None:
    """Set the limits that the kernel holds."""
    limits = {resource.RLIMIT_CPU: cpu_s, resource.RLIMIT_FSIZE: file_bytes, resource.RLIMIT_AS: memory_bytes}
    limits |= {resource.RLIMIT_CORE: 0, resource.RLIMIT_NOFILE: 64}
    if not filters():  # with the filter below threads stay possible; this counts them too
        limits[resource.RLIMIT_NPROC] = 0
    for name, value in limits.items():
        hard = resource.getrlimit(name)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        try:
            resource.setrlimit(name, (value, value))
        except (ValueError, OSError):  # macOS has no limit of memory
            continue


CHANGES = frozenset(
    "os.remove os.rename os.rmdir os.mkdir os.chmod os.chown os.link os.symlink os.truncate os.utime "
    "shutil.rmtree shutil.move shutil.chown".split()
)
FORBIDDEN = frozenset(
    "socket.connect socket.bind subprocess.Popen os.system os.fork os.forkpty os.exec os.posix_spawn "
    "os.kill os.killpg".split()
)
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _writes_only_inside(
    folder: str,
    changes: frozenset[str] = CHANGES,  # kept here, where the program does not look them up anew
    forbidden: frozenset[str] = FORBIDDEN,
    realpath: Callable = os.path.realpath,
    fsdecode: Callable = os.fsdecode,
) -> Callable[[str, tuple], None]:
    """A hook that hears what a program does from the interpreter, and refuses to change files outside `folder`."""

    def hook(event: str, arguments: tuple) -> None:
        if event in forbidden:
            raise PermissionError(f"{event} is not allowed in the sandbox")
        opens_to_write = event == "open" and (arguments[2] or 0) & WRITING
        paths = arguments[:2] if event in changes else arguments[:1] if opens_to_write else ()
        for path in paths:
            if isinstance(path, str | bytes | os.PathLike):
                full = realpath(fsdecode(path))
                if full != "/dev/null" and not (full + "/").startswith(folder + "/"):
                    raise PermissionError(f"{full} lies outside the sandbox's folder and may not be changed")

    return hook


# ───────── the kernel's filter ─────────

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38
CLONE_THREAD = 0x00010000
NUMBER, ARCHITECTURE, FIRST, THIRD = 0, 4, 16, 32  # places in the kernel's record of a call, two of its arguments


# The system calls of one processor by their numbers (Linux's tables syscall_64.tbl and asm-generic/unistd.h).
# own_process_only: kill, tgkill. refused: fork, vfork, execve, execveat, socket, connect, bind, tkill, rt_sigqueueinfo,
# rt_tgsigqueueinfo, ptrace, process_vm_readv and writev, pidfd_open, pidfd_send_signal, setrlimit, mount, umount2,
# pivot_root, chroot, setns, unshare, bpf, perf_event_open, io_uring_setup, the loading of kernels and modules, reboot,
# swapon and off, the setting of clock and name
Calls = namedtuple("Calls", "architecture clone prlimit64 own_process_only refused")
X86_64 = """57 58 59 322 41 42 49 200 129 297 101 310 311 434 424 160 165 166 155 161 308 272 321 298 425 246 320 175 313 176
169 167 168 164 227 170"""
AARCH64 = """221 281 198 203 200 130 138 240 117 270 271 434 424 164 40 39 41 51 268 97 280 241 425 104 294 105 273 106
142 224 225 170 112 161"""
CALLS = {
    "x86_64": Calls(0xC000003E, 56, 302, (62, 234), tuple(map(int, X86_64.split()))),
    "aarch64": Calls(0xC00000B7, 220, 261, (129, 131), tuple(map(int, AARCH64.split()))),
}


def filters() -> bool:
    """Whether the kernel here can hold a program from starting processes and opening connections."""
    return (
        sys.platform == "linux"
        and os.uname().machine in CALLS
        and os.path.exists("/proc/sys/kernel/seccomp/actions_avail")
    )


def deny_processes_and_network() -> None:
    """From here on this process, and no other, is refused the calls above; nothing can take that back."""
    if not filters():
        return
    rows = _filter(CALLS[os.uname().machine], os.getpid())
    code = (ctypes.c_uint64 * len(rows))(
        *(operation | yes << 16 | no << 24 | value << 32 for operation, yes, no, value in rows)
    )

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    system = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, filtering, die_with_parent = 38, 22, 2, 1
    system.prctl(die_with_parent, int(signal.SIGKILL), 0, 0, 0)
    system.prctl(no_new_privileges, 1, 0, 0, 0)
    system.prctl(set_seccomp, filtering, ctypes.byref(Program(len(rows), ctypes.addressof(code))), 0, 0)


def _filter(calls: Calls, process: int) -> list[tuple[int, int, int, int]]:
    """The filter as rows of (operation, rows to skip when true, when false, value), read by the kernel at every call."""
    clone3 = 435  # its flags lie in memory, where a filter cannot look: "not known here" makes the C library use clone
    rows = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, calls.architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    rows += [(AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, KILL)]  # x86's second table of the same calls
    rows += [(EQUAL, 0, 1, clone3), (RETURN, 0, 0, REFUSE | ENOSYS)]
    rows += [row for number in calls.refused for row in ((EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE | EPERM))]
    conditions = [(calls.clone, FIRST, (ANY_BIT, CLONE_THREAD)), (calls.prlimit64, THIRD, (EQUAL, 0))]
    conditions += [(number, FIRST, (EQUAL, process)) for number in calls.own_process_only]
    for number, argument, (test, value) in conditions:
        rows += [(EQUAL, 0, 4, number), (LOAD, 0, 0, argument), (test, 1, 0, value)]
        rows += [(RETURN, 0, 0, REFUSE | EPERM), (RETURN, 0, 0, ALLOW)]
    return [*rows, (RETURN, 0, 0, ALLOW)]


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
