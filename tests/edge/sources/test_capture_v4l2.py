"""What the kernel says of cameras, on copies of such trees and with its own structures; V4L2 hardware is not run here."""

import errno
import struct
from pathlib import Path

import pytest

from edge.errors import MachineLacks
from edge.reading import Reason
from edge.sources.camera import find_camera
from edge.sources.lost import SourceLost
from edge.sources.v4l2 import (
    ENUM_FMT,
    ENUM_FRAMEINTERVALS,
    ENUM_FRAMESIZES,
    QUERYCAP,
    Capability,
    Mode,
    capability_of,
    list_nodes,
    modes_of,
)

CAPTURE, METADATA = Capability("uvcvideo", "HD Cam: HD Cam", "usb-0000:00:14.0-1", True), Capability("uvcvideo", "HD Cam", "usb", False)


def a_tree(root: Path) -> tuple[Path, Path]:
    """Two UVC cameras: one with serial number and a metadata node first, one without serial -> (sysfs class folder, /dev)."""
    sys_root, dev = root / "sys/class/video4linux", root / "dev"
    for port, serial, nodes in (("1-1", "ABC123", ("video0", "video2")), ("1-2", None, ("video3", "video10"))):
        device = root / f"sys/devices/usb1/{port}"
        interface = device / f"{port}:1.0"
        interface.mkdir(parents=True)
        if serial:
            (device / "serial").write_text(serial + "\n")
        for number, node in enumerate(nodes):
            entry = interface / "video4linux" / node
            entry.mkdir(parents=True)
            (entry / "name").write_text("HD Cam: HD Cam\n")
            (entry / "device").symlink_to(interface)
            sys_root.mkdir(parents=True, exist_ok=True)
            (sys_root / node).symlink_to(entry)
            dev.mkdir(exist_ok=True)
            (dev / node).touch()
            by_path = dev / "v4l/by-path"
            by_path.mkdir(parents=True, exist_ok=True)
            (by_path / f"pci-0-usb-0:{port}:1.0-video-index{number}").symlink_to(f"../../{node}")
            if serial:
                by_id = dev / "v4l/by-id"
                by_id.mkdir(parents=True, exist_ok=True)
                (by_id / f"usb-HD_Cam_{serial}-video-index{number}").symlink_to(f"../../{node}")
    return sys_root, dev


def ask(path: Path) -> Capability:
    return CAPTURE if path.name in {"video2", "video3"} else METADATA


def test_only_nodes_that_capture_count_as_cameras_and_come_by_number(tmp_path: Path) -> None:
    nodes = list_nodes(*a_tree(tmp_path), ask)
    assert [node.index for node in nodes] == [0, 2, 3, 10]
    assert [node.index for node in nodes if node.captures] == [2, 3]


def test_a_camera_is_remembered_by_serial_number_and_without_one_by_its_port(tmp_path: Path) -> None:
    nodes = {node.index: node for node in list_nodes(*a_tree(tmp_path), ask)}
    assert nodes[2].serial == "ABC123"
    assert nodes[2].identity == tmp_path / "dev/v4l/by-id/usb-HD_Cam_ABC123-video-index1"
    assert nodes[3].serial is None
    assert nodes[3].identity == tmp_path / "dev/v4l/by-path/pci-0-usb-0:1-2:1.0-video-index0"


@pytest.mark.parametrize(
    "target", ["2", "ABC123", "usb-HD_Cam_ABC123-video-index1", "{dev}/video2", "{dev}/v4l/by-id/usb-HD_Cam_ABC123-video-index1"]
)
def test_a_camera_is_found_by_number_path_serial_or_identity(target: str, tmp_path: Path) -> None:
    sys_root, dev = a_tree(tmp_path)
    assert find_camera(target.replace("{dev}", str(dev)), list_nodes(sys_root, dev, ask)).index == 2


@pytest.mark.parametrize(
    ("target", "word"), [("0", "metadata"), ("1", "no such camera"), ("XYZ", "no such camera"), ("/dev/null", "no such camera")]
)
def test_a_wrong_camera_names_the_right_ones(target: str, word: str, tmp_path: Path) -> None:
    with pytest.raises(SourceLost, match=word) as caught:
        find_camera(target, list_nodes(*a_tree(tmp_path), ask))
    assert "camera:2 (HD Cam: HD Cam, serial ABC123), camera:3" in caught.value.line()
    assert caught.value.exit_code == 4
    assert caught.value.reason is Reason.UNPLUGGED


def test_after_a_replug_under_another_number_the_same_camera_is_found_and_never_another(tmp_path: Path) -> None:
    sys_root, dev = a_tree(tmp_path)
    identity = dev / "v4l/by-id/usb-HD_Cam_ABC123-video-index1"
    (sys_root / "video2").rename(sys_root / "video7")
    (dev / "video2").rename(dev / "video7")
    identity.unlink()
    gone = list_nodes(sys_root, dev, lambda path: CAPTURE)
    with pytest.raises(SourceLost, match="no such camera"):
        find_camera(str(identity), gone)
    identity.symlink_to("../../video7")
    assert find_camera(str(identity), list_nodes(sys_root, dev, lambda path: CAPTURE)).path == dev / "video7"


def test_a_node_without_permission_names_the_group_and_one_that_left_is_unplugged(tmp_path: Path) -> None:
    def refuse(path: Path) -> Capability:
        raise PermissionError(errno.EACCES, "Permission denied")

    def left(path: Path) -> Capability:
        raise OSError(errno.ENODEV, "No such device")

    with pytest.raises(MachineLacks, match="group video"):
        find_camera("2", list_nodes(*a_tree(tmp_path / "a"), refuse))
    with pytest.raises(SourceLost, match="No such device"):
        find_camera("2", list_nodes(*a_tree(tmp_path / "b"), left))


def test_a_machine_without_video_has_no_cameras(tmp_path: Path) -> None:
    assert list_nodes(tmp_path / "none", tmp_path) == ()


def a_kernel(fd: int, request: int, buffer: bytearray) -> int:
    """The answers of a small UVC camera, in the kernel's own structures; the request numbers are those of linux/videodev2.h."""
    formats = {"MJPG": [(1280, 720, [(1, 30), (1, 15)]), (640, 480, [(1, 30)])], "YUYV": [(640, 480, [(1, 30), (2, 15)])]}
    if request == 0x80685600:
        struct.pack_into("=16s32s32sIII", buffer, 0, b"uvcvideo", b"HD Cam", b"usb-1", 0x60000, 0x84A00001, 0x04200001)
        return 0
    index = struct.unpack_from("=I", buffer)[0]
    codes = {struct.unpack("=I", name.encode())[0]: name for name in formats}
    if request == 0xC0405602 and index < len(codes):
        struct.pack_into("=III32sI", buffer, 0, index, 1, 0, b"", list(codes)[index])
        return 0
    if request == 0xC02C564A:
        sizes = formats[codes[struct.unpack_from("=4xI", buffer)[0]]]
        if index < len(sizes):
            struct.pack_into("=8xIII", buffer, 0, 1, *sizes[index][:2])
            return 0
    if request == 0xC034564B:
        _, code, width, height = struct.unpack_from("=IIII", buffer)
        rates = next(rates for w, h, rates in formats[codes[code]] if (w, h) == (width, height))
        if index < len(rates):
            struct.pack_into("=16xIII", buffer, 0, 1, *rates[index])
            return 0
    raise OSError(errno.EINVAL, "Invalid argument")


def test_the_requests_are_those_of_the_kernel() -> None:
    assert (QUERYCAP, ENUM_FMT, ENUM_FRAMESIZES, ENUM_FRAMEINTERVALS) == (0x80685600, 0xC0405602, 0xC02C564A, 0xC034564B)


def test_capability_and_modes_are_read_from_the_kernels_structures(tmp_path: Path) -> None:
    node = tmp_path / "video0"
    node.touch()
    assert capability_of(node, a_kernel) == Capability("uvcvideo", "HD Cam", "usb-1", True)
    modes = modes_of(node, a_kernel)
    assert modes == (Mode("MJPG", 1280, 720, (30.0, 15.0)), Mode("MJPG", 640, 480, (30.0,)), Mode("YUYV", 640, 480, (30.0, 7.5)))
    assert str(modes[0]) == "MJPG 1280x720@30/15"


def test_a_metadata_node_does_not_capture_although_its_device_does(tmp_path: Path) -> None:
    def metadata(fd: int, request: int, buffer: bytearray) -> None:
        struct.pack_into("=16s32s32sIII", buffer, 0, b"uvcvideo", b"HD Cam", b"usb-1", 0x60000, 0x84A00001, 0x04A00000)

    node = tmp_path / "video1"
    node.touch()
    assert not capability_of(node, metadata).captures


def test_what_is_no_video_node_is_told_by_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="ioctl"):
        capability_of(tmp_path / "file")
