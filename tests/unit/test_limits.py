"""Lambda's share of a processor, and the limits as either layout of control groups takes them."""

import os
import subprocess

import pytest

from benchmarks import limits, machine

SETTINGS = {
    "v1": {
        "cpu/*/cpu.cfs_period_us": "20000",
        "cpu/*/cpu.cfs_quota_us": "5789",
        "memory/*/memory.limit_in_bytes": str(512 * 2**20),
        "memory/*/memory.swappiness": "0",
    },
    "v2": {
        "*/cpu.max": "5789 20000",
        "*/memory.max": str(512 * 2**20),
        "*/memory.swap.max": "0",
    },
}
layouts = pytest.mark.parametrize("layout", SETTINGS)


@pytest.fixture
def root(layout, tmp_path, monkeypatch):
    """A folder tree in place of the kernel's, whose files vanish with their folder as there."""

    def remove(folder):
        for file in folder.iterdir():
            file.unlink()
        os.rmdir(folder)  # noqa: PTH106  what it stands in for

    monkeypatch.setattr(type(tmp_path), "rmdir", remove)
    if layout == "v1":
        for controller in ("cpu", "cpuacct", "memory"):
            (tmp_path / controller).mkdir()
    else:
        (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids\n")
        (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
    return tmp_path


@pytest.mark.parametrize(
    ("megabytes", "microseconds"), [(128, 1447), (1024, 11577), (1769, 20000), (3008, 34008)]
)
def test_quota_is_the_share_of_a_vcpu_in_each_period(megabytes, microseconds):
    assert limits.quota(megabytes) == microseconds
    assert limits.vcpus(1769) == 1


@layouts
def test_limits_are_written_as_the_layout_takes_them(layout, root):
    with limits.group(512, root):
        for pattern, value in SETTINGS[layout].items():
            [file] = root.glob(pattern)
            assert file.read_text() == value


@layouts
def test_group_is_removed_at_the_end_and_after_an_error(layout, root):
    before = sorted(root.rglob("*"))
    with limits.group(512, root):
        assert sorted(root.rglob("*")) != before
    assert sorted(root.rglob("*")) == before
    with pytest.raises(KeyboardInterrupt), limits.group(512, root):
        raise KeyboardInterrupt
    assert sorted(root.rglob("*")) == before


@layouts
def test_launcher_joins_every_folder_and_becomes_the_command(layout, root):
    with limits.group(512, root) as group:
        command = [*group.launcher(), "sh", "-c", "echo $$ $1", "sh", "a b"]
        process, argument = subprocess.check_output(command, text=True).split(maxsplit=1)
        assert argument == "a b\n"
        for folder in group.folders:
            assert (folder / "cgroup.procs").read_text().strip() == process


@layouts
def test_counts_are_read_as_the_kernel_writes_them(layout, root):
    with limits.group(512, root) as group:
        group.killed_in.write_text("oom_kill_disable 0\nunder_oom 0\noom_kill 0\n")
        assert not group.killed()
        group.killed_in.write_text("low 0\nmax 3\noom 1\noom_kill 1\n")
        assert group.killed()
        group.time_in.write_text("1500000000\n" if layout == "v1" else "usage_usec 1500000\n")
        assert group.cpu_seconds() == 1.5


def test_controllers_mounted_together_are_one_folder(tmp_path):
    (tmp_path / "cpu,cpuacct").mkdir()
    (tmp_path / "memory").mkdir()
    for name in ("cpu", "cpuacct"):
        (tmp_path / name).symlink_to("cpu,cpuacct")
    found, _ = limits._several(tmp_path, "name", 512)
    assert [folder.parent.name for folder in found.folders] == ["cpu,cpuacct", "memory"]


def test_machine_without_control_groups_says_what_is_missing(tmp_path):
    with pytest.raises(machine.Unavailable, match="expected the control groups cpu"):
        limits.group(512, tmp_path).__enter__()
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpu\n")
    with pytest.raises(machine.Unavailable, match="it lacks memory"):
        limits.group(512, tmp_path).__enter__()
