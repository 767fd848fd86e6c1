"""The kernel's filter decides as it should, on both processors, by a small interpreter of its rows."""

import os

import pytest

from groundup.confinement import (
    ALLOW,
    ANY_BIT,
    AT_LEAST,
    CALLS,
    EPERM,
    EQUAL,
    KILL,
    LOAD,
    REFUSE,
    _filter,
    _writes_only_inside,
)

REFUSED = REFUSE | EPERM


def decide(
    machine: str, number: int, first: int = 0, third: int = 0, architecture: int | None = None, process: int = 77
) -> int:
    """Run the filter over one system call, as the kernel does (Documentation/userspace-api/seccomp_filter)."""
    calls = CALLS[machine]
    record = {0: number, 4: calls.architecture if architecture is None else architecture, 16: first, 32: third}
    rows, at, register = _filter(calls, process), 0, 0
    tests = {EQUAL: lambda a, b: a == b, AT_LEAST: lambda a, b: a >= b, ANY_BIT: lambda a, b: bool(a & b)}
    while True:
        operation, yes, no, value = rows[at]
        at += 1
        if operation == LOAD:
            register = record[value]
        elif operation in tests:
            at += yes if tests[operation](register, value) else no
        else:
            return value


@pytest.mark.parametrize("machine", CALLS)
def test_reading_and_writing_are_allowed(machine):
    assert all(decide(machine, number) == ALLOW for number in ((0, 1, 257) if machine == "x86_64" else (63, 64, 56)))


@pytest.mark.parametrize("machine", CALLS)
def test_every_refused_call_is_refused(machine):
    assert all(decide(machine, number) == REFUSED for number in CALLS[machine].refused)


@pytest.mark.parametrize("machine", CALLS)
def test_a_thread_may_begin_and_a_process_may_not(machine):
    calls = CALLS[machine]
    assert decide(machine, calls.clone, first=0x3D0F00) == ALLOW  # the flags that pthread_create uses
    assert decide(machine, calls.clone, first=17) == REFUSED  # SIGCHLD alone: fork
    assert decide(machine, 435) == REFUSE | 38


@pytest.mark.parametrize("machine", CALLS)
def test_a_process_may_signal_itself_only(machine):
    for number in CALLS[machine].own_process_only:
        assert decide(machine, number, first=77) == ALLOW
        assert decide(machine, number, first=1) == REFUSED and decide(machine, number, first=2**32 - 1) == REFUSED


@pytest.mark.parametrize("machine", CALLS)
def test_limits_may_be_read_and_not_set(machine):
    assert decide(machine, CALLS[machine].prlimit64, third=0) == ALLOW
    assert decide(machine, CALLS[machine].prlimit64, third=0x7FFE0000) == REFUSED


def test_another_machines_calls_and_x86s_second_table_end_the_process():
    assert decide("x86_64", 0, architecture=0x40000003) == KILL
    assert decide("x86_64", 0x40000000 | 41) == KILL


def test_every_jump_fits_the_filters_eight_bits():
    assert all(0 <= yes < 256 and 0 <= no < 256 for calls in CALLS.values() for _, yes, no, _ in _filter(calls, 1))


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the header is of the machine itself")
def test_the_numbers_are_those_of_the_systems_own_header():
    header = "/usr/include/x86_64-linux-gnu/asm/unistd_64.h"
    if not os.path.exists(header):
        pytest.skip("the kernel's headers are not installed")
    numbers = {
        line.split()[1].removeprefix("__NR_"): int(line.split()[2])
        for line in open(header)
        if line.startswith("#define __NR_")
    }
    names = (
        "fork vfork execve execveat socket connect bind tkill rt_sigqueueinfo rt_tgsigqueueinfo ptrace process_vm_readv process_vm_writev "
        "pidfd_open pidfd_send_signal setrlimit mount umount2 pivot_root chroot setns unshare bpf perf_event_open io_uring_setup kexec_load "
        "kexec_file_load init_module finit_module delete_module reboot swapon swapoff settimeofday clock_settime sethostname"
    ).split()
    calls = CALLS["x86_64"]
    assert sorted(calls.refused) == sorted(numbers[name] for name in names)
    assert (calls.clone, calls.prlimit64, *calls.own_process_only) == tuple(
        numbers[n] for n in ("clone", "prlimit64", "kill", "tgkill")
    )


def test_the_interpreters_hook_lets_its_own_folder_be_written_and_no_neighbour(tmp_path):
    inside, neighbour = tmp_path / "a", tmp_path / "a-neighbour"
    inside.mkdir()
    hook = _writes_only_inside(str(inside))
    hook("open", (str(inside / "f"), "w", os.O_WRONLY))
    hook("open", (str(neighbour), "r", os.O_RDONLY))
    hook("open", ("/dev/null", "w", os.O_WRONLY))
    for path in (str(neighbour), str(inside / ".." / "b"), os.fsencode(neighbour)):
        with pytest.raises(PermissionError, match="outside the sandbox's folder"):
            hook("open", (path, "w", os.O_WRONLY))


def test_a_link_out_of_the_folder_does_not_lead_out(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "link").symlink_to(tmp_path / "precious")
    with pytest.raises(PermissionError):
        _writes_only_inside(str(tmp_path / "in"))("open", (str(tmp_path / "in" / "link"), "w", os.O_WRONLY))
