"""The tensor that an engine sees is the picture, in the words of the manifest: against a second implementation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.backends.tensor import arrange, graph_shape
from edge.errors import BackendFault
from tests.builders import a_spec, as_model_input


@given(
    layout=st.sampled_from(["nhwc", "nchw"]),
    dtype=st.sampled_from(["uint8", "float32", "float16"]),
    batch=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_it_is_what_a_second_reader_of_the_manifest_makes_of_it(layout: str, dtype: str, batch: int, seed: int) -> None:
    spec = a_spec(width_px=20, height_px=16, layout=layout, dtype=dtype, batch=batch, mean=(0.1, 0.2, 0.3), std=(0.9, 0.5, 0.25))
    picture = np.random.default_rng(seed).integers(0, 256, (16, 20, 3), np.uint8)
    ours = arrange(picture, spec, np.dtype(dtype))
    assert ours.shape == graph_shape(spec)
    assert ours.flags.c_contiguous
    assert ours.dtype == np.dtype(dtype)
    assert np.array_equal(ours, as_model_input(picture, spec))


def test_a_uint8_picture_is_not_copied() -> None:
    spec = a_spec(layout="nhwc", dtype="uint8")
    picture = np.zeros((64, 64, 3), np.uint8)
    assert np.shares_memory(arrange(picture, spec, np.dtype("uint8")), picture)


@pytest.mark.parametrize("wrong", [np.zeros((64, 63, 3), np.uint8), np.zeros((64, 64), np.uint8), np.zeros((64, 64, 3), np.float32)])
def test_another_kind_of_array_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(BackendFault, match="64x64 uint8"):
        arrange(wrong, a_spec(), np.dtype("float32"))
