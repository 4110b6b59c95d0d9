"""Builds small DICOM objects with pydicom: sane defaults, every tag can be replaced."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGLossless, generate_uid

__all__ = ["GREEN", "RED", "US_MULTI", "US_SINGLE", "JPEGLossless", "a_dicom", "a_jpeg_cine", "encapsulate", "flat"]

RED, GREEN = (220, 20, 20), (20, 200, 20)
US_MULTI, US_SINGLE = "1.2.840.10008.5.1.4.1.1.3.1", "1.2.840.10008.5.1.4.1.1.6.1"
PLANTED = "Zyxwvut^Planted"


def a_dicom(
    path: Path, pixels: np.ndarray[Any, Any] | bytes, *, syntax: str = ExplicitVRLittleEndian, sop: str = US_MULTI, **tags: Any
) -> Path:
    """Writes an ultrasound object. pixels: (frames, rows, columns[, 3]) array, or the value of Pixel Data as bytes (then give the tags)."""
    dataset = pydicom.Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = sop, generate_uid(entropy_srcs=["x"]), "US"
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = PLANTED, f"ID-{PLANTED}", "19010203"
    dataset.PatientComments, dataset.ReferringPhysicianName, dataset.InstitutionName = PLANTED, PLANTED, PLANTED
    if isinstance(pixels, np.ndarray):
        dataset.NumberOfFrames, dataset.Rows, dataset.Columns = pixels.shape[0], pixels.shape[1], pixels.shape[2]
        dataset.SamplesPerPixel = 3 if pixels.ndim == 4 else 1
        dataset.PhotometricInterpretation = "RGB" if pixels.ndim == 4 else "MONOCHROME2"
        dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
        dataset.PixelRepresentation = 1 if pixels.dtype.kind == "i" else 0
        pixels = pixels.tobytes()
    dataset.PlanarConfiguration = 0
    for name, value in tags.items():
        setattr(dataset, name, value)
    dataset.HighBit = tags.get("HighBit", dataset.BitsStored - 1)
    dataset.PixelData = pixels + b"\0" * (len(pixels) % 2)
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 else "OW"
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.UID(syntax)
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = sop, dataset.SOPInstanceUID
    if syntax not in {ExplicitVRLittleEndian, "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"}:
        dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)
    return path


def flat(colour: tuple[int, int, int], frames: int = 3, size: int = 64) -> np.ndarray[Any, Any]:
    return np.tile(np.array(colour, np.uint8), (frames, size, size, 1))


def a_jpeg_cine(path: Path, colour: tuple[int, int, int] = RED, **tags: Any) -> Path:
    """Three frames of one colour as 4:2:2 JPEG, as ultrasound scanners store loops."""
    out = io.BytesIO()
    Image.new("RGB", (64, 64), colour).save(out, "JPEG", subsampling="4:2:2", quality=92)
    described = {
        "NumberOfFrames": 3,
        "Rows": 64,
        "Columns": 64,
        "SamplesPerPixel": 3,
        "PhotometricInterpretation": "YBR_FULL_422",
        "BitsAllocated": 8,
        "BitsStored": 8,
        "PixelRepresentation": 0,
        "FrameTime": 40,
    }
    return a_dicom(path, encapsulate([out.getvalue()] * 3), syntax=JPEGBaseline8Bit, **(described | tags))
