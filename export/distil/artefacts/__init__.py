"""What lies on a picture and says nothing of the lesion: hairs, rulers, ink, gel, a scanner's crosses and words.

A painter is `(pixels, strength, rng) -> pixels`: (h, w, 3) uint8 RGB of any size, the artefact's strength 0..1, and the generator that
every other choice hangs on. Lengths follow the picture's short side. The student is shown painted pictures, the teacher clean
ones, so that the student learns that an artefact changes nothing; `benchmarks/artefacts.py` paints the same ones to see
whether it did. Which they are, and how often, is `table.py`.
"""

from export.distil.artefacts.table import Artefact, Kind, artefacts_of, painted, worn

__all__ = ["Artefact", "Kind", "artefacts_of", "painted", "worn"]
