"""What a board says of itself is read from a copy of its files: an Orin, a server, and a machine that says nothing."""

from pathlib import Path

import pytest

from edge.backends.machine import read_machine
from edge.bench import sensors
from edge.bench.conditions import Before, conditions, look_before
from edge.bench.sensors import rails, read_rails_mw, total_mw

HWMON = "sys/class/hwmon/hwmon1"
ORIN = {
    "proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit Super\0",
    "etc/nv_tegra_release": "# R39 (release), REVISION: 2.0\n",
    "etc/nvpmodel.conf": "< PARAM TYPE=FILE NAME=X >\n< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >\n",
    "var/lib/nvpmodel/status": "pmode:0002",
    "sys/class/hwmon/hwmon0/name": "tmp451",
    "sys/class/hwmon/hwmon0/temp1_input": "45000",
    f"{HWMON}/name": "ina3221",
    f"{HWMON}/in1_label": "VDD_IN",
    f"{HWMON}/in1_input": "5008",
    f"{HWMON}/curr1_input": "1480",
    f"{HWMON}/in2_label": "VDD_CPU_GPU_CV",
    f"{HWMON}/in2_input": "5000",
    f"{HWMON}/curr2_input": "400",
    f"{HWMON}/in3_label": "VDD_SOC",
    f"{HWMON}/in3_input": "5000",
    f"{HWMON}/curr3_input": "300",
    f"{HWMON}/in7_label": "sum of shunt voltages",
    f"{HWMON}/in7_input": "5000",
    f"{HWMON}/curr4_input": "9",
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
    "sys/class/thermal/thermal_zone0/temp": "51500",
    "sys/class/thermal/thermal_zone1/type": "gpu-thermal",
    "sys/class/thermal/thermal_zone1/temp": "49031",
    "sys/class/thermal/thermal_zone2/type": "cv0-thermal",
    "sys/class/thermal/thermal_zone2/temp": "-256000",
    "sys/class/thermal/thermal_zone10/type": "tj-thermal",
    "sys/class/thermal/thermal_zone10/temp": "52000",
    "sys/class/thermal/cooling_device0/type": "pwm-fan",
    "sys/class/thermal/cooling_device0/cur_state": "3",
    "sys/class/thermal/cooling_device1/type": "cpu-hot-surface-alert",
    "sys/class/thermal/cooling_device1/cur_state": "1",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_governor": "schedutil\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_cur_freq": "729600\n",
    "sys/devices/system/cpu/cpufreq/policy0/scaling_max_freq": "1728000\n",
    "sys/devices/system/cpu/cpufreq/policy4/scaling_governor": "schedutil\n",
    "sys/devices/system/cpu/cpufreq/policy4/scaling_cur_freq": "1728000\n",
    "sys/devices/system/cpu/cpufreq/policy4/scaling_max_freq": "1728000\n",
    "sys/class/devfreq/17000000.gpu/cur_freq": "1020000000\n",
}


def a_tree(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def orin(tmp_path: Path) -> Path:
    return a_tree(tmp_path / "orin", ORIN)


def test_power_is_read_from_the_ina3221_and_the_whole_board_is_its_input_rail(orin: Path) -> None:
    found = read_rails_mw(rails(orin))
    assert dict(found) == pytest.approx({"VDD_IN": 7411.84, "VDD_CPU_GPU_CV": 2000.0, "VDD_SOC": 1500.0})
    assert total_mw(found) == pytest.approx(7411.84)


def test_a_board_without_an_input_rail_is_the_sum_of_its_rails() -> None:
    assert total_mw((("VDD_GPU_SOC", 4000.0), ("VDD_CPU_CV", 1000.0), ("VIN_SYS_5V0", 3000.0))) == 8000.0
    assert total_mw(()) is None


def test_a_monitor_that_multiplies_itself_is_read_in_microwatts(tmp_path: Path) -> None:
    base = "sys/class/hwmon/hwmon3"
    tree = a_tree(tmp_path, {f"{base}/name": "ina238", f"{base}/curr1_input": "1000", f"{base}/power1_input": "12345678"})
    assert read_rails_mw(rails(tree)) == (("hwmon3 channel 1", pytest.approx(12345.678)),)


def test_the_power_mode_has_its_number_and_its_name(orin: Path) -> None:
    assert sensors.power_mode(orin) == "MAXN_SUPER (mode 2)"
    (orin / "etc/nvpmodel.conf").unlink()
    assert sensors.power_mode(orin) == "mode 2"
    (orin / "var/lib/nvpmodel/status").write_text("nonsense")
    assert sensors.power_mode(orin) is None


def test_temperatures_are_those_of_zones_that_answer_in_their_order(orin: Path) -> None:
    assert sensors.celsius(orin) == (("cpu-thermal", 51.5), ("gpu-thermal", 49.031), ("tj-thermal", 52.0))


def test_throttling_counts_cooling_devices_but_no_fan(orin: Path, tmp_path: Path) -> None:
    assert sensors.throttle_count(orin) == 1
    server = a_tree(
        tmp_path / "server",
        {
            "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "3",
            "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "4",
        },
    )
    assert sensors.throttle_count(server) == 7
    assert sensors.throttle_count(tmp_path / "nothing") is None


def test_clocks_and_governors_are_read_for_each_domain(orin: Path) -> None:
    assert sensors.governors(orin) == ("schedutil", "schedutil")
    assert sensors.cpu_clocks(orin) == ((729.6, 1728.0), (1728.0, 1728.0))
    assert sensors.gpu_mhz(orin) == 1020.0


def test_the_energy_counter_of_an_x86_processor_is_summed_over_its_packages(tmp_path: Path) -> None:
    tree = a_tree(tmp_path, {f"sys/class/powercap/intel-rapl:{n}/energy_uj": str(n + 1_000_000) for n in range(2)})
    assert sensors.energy_uj(tree) == 2_000_001
    assert sensors.energy_uj(tmp_path / "nothing") is None


@pytest.mark.parametrize("text", ["", "no number", "\x00"], ids=["empty", "text", "nul"])
def test_a_file_that_says_no_number_is_left_out(orin: Path, text: str) -> None:
    for name in (f"{HWMON}/curr1_input", "sys/class/thermal/thermal_zone0/temp", "sys/class/devfreq/17000000.gpu/cur_freq"):
        (orin / name).write_text(text)
    assert "VDD_IN" not in dict(read_rails_mw(rails(orin)))
    assert "cpu-thermal" not in dict(sensors.celsius(orin))
    assert sensors.gpu_mhz(orin) is None


def test_conditions_stand_together_and_speak_of_what_makes_numbers_worth_less(orin: Path) -> None:
    before = Before(celsius=(("cpu-thermal", 38.0),), throttles=0, load_1m=0.1)
    found = conditions(read_machine(orin), before, (), orin)
    assert found.board == "NVIDIA Jetson Orin Nano Developer Kit Super"
    assert found.power_mode == "MAXN_SUPER (mode 2)"
    assert found.throttled == 1
    said = " / ".join(found.warnings)
    assert "governor schedutil" in said
    assert "slowed down by heat" in said
    assert "warmer by 14 degrees" in said


def test_a_jetson_without_a_power_mode_is_warned_of(orin: Path) -> None:
    (orin / "var/lib/nvpmodel/status").unlink()
    found = conditions(read_machine(orin), look_before(orin), (), orin)
    assert any("power mode is unknown" in text for text in found.warnings)


def test_a_machine_that_says_nothing_gets_no_made_up_numbers(tmp_path: Path) -> None:
    found = conditions(read_machine(tmp_path), look_before(tmp_path), (), tmp_path)
    assert (found.governors, found.cpu_mhz, found.gpu_mhz, found.power_mode, found.throttled) == ((), (), None, None, None)
    assert (found.celsius_before, found.celsius_after, found.warnings) == ((), (), ())
