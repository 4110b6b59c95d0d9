"""Which DICOM objects are pictures of our field, and how the others are called when they are turned away. PS3.4, table B.5-1."""

__all__ = ["name_of_foreign"]

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_ULTRASOUND = {f"{_STORAGE}{n}" for n in ("6.1", "3.1", "6", "3")}
_PHOTO = {f"{_STORAGE}77.1.4", f"{_STORAGE}77.1.7"}  # VL photographic, dermoscopic photography
_CAPTURE = {f"{_STORAGE}{n}" for n in ("7", "7.1", "7.2", "7.3", "7.4")}  # secondary capture: the modality decides
_OURS = {"US", "DMS", "XC", "OT", "SC", "GM", "DG", "ES", ""}

_NAMES = {
    "CT": "a CT",
    "MR": "an MR",
    "SR": "a structured report",
    "RTPLAN": "a radiotherapy plan",
    "RTDOSE": "a radiotherapy dose",
    "RTSTRUCT": "a radiotherapy structure set",
    "RTIMAGE": "a radiotherapy image",
    "PT": "a PET",
    "NM": "a nuclear medicine image",
    "CR": "an X-ray",
    "DX": "an X-ray",
    "MG": "a mammogram",
    "XA": "an X-ray angiography",
    "RF": "a fluoroscopy",
    "PX": "a panoramic X-ray",
    "IO": "a dental X-ray",
    "IVUS": "an intravascular ultrasound",
    "IVOCT": "an intravascular OCT",
    "OCT": "an OCT",
    "OP": "an eye photograph",
    "OPT": "an eye tomogram",
    "SM": "a slide microscopy",
    "GM": "a microscopy",
    "ES": "an endoscopy",
    "ECG": "an ECG",
    "HD": "a haemodynamic curve",
    "SEG": "a segmentation",
    "PR": "a presentation state",
    "KO": "a key object selection",
    "DOC": "a document",
    "REG": "a registration",
    "AU": "a sound recording",
}


def name_of_foreign(sop_class: str, modality: str) -> str | None:
    """None when the object may be ultrasound or dermoscopy; else what it is, in words that hold nothing read from the file."""
    if sop_class in _ULTRASOUND | _PHOTO:
        return None
    if (sop_class in _CAPTURE or not sop_class) and modality in _OURS:
        return None if sop_class or modality else "of no stated kind"
    if modality in _NAMES:
        return _NAMES[modality]
    if modality == "US":
        return "an ultrasound object without a plain picture (volume, waveform or measurement)"
    return "another kind of object"
