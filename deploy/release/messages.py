"""The messages of the release's commits: a subject for people, trailers from which history is read."""

import re

from deploy.release.images import Image

SKIP = " [skip ci]"  # only in what goes straight to main: on a proposal's branch it would skip the required checks


def one_line(text: str) -> str:
    """A text without line breaks and control characters: it could pass for a trailer of its own otherwise."""
    return re.sub(r"[\x00-\x1f\x7f\u2028\u2029\s]+", " ", text).strip()


def trailers_of(image: Image, source: str) -> dict[str, str]:
    """What every pin says: the whole commit that was built, the image, its digest and the run."""
    return {
        "Source-Commit": source,
        "Image": str(image),
        "Image-Digest": image.digest,
        "Run-Id": str(image.run),
    }


def message(subject: str, trailers: dict[str, str]) -> str:
    """The whole message; trailers without a value are left out."""
    lines = [f"{name}: {one_line(value)}" for name, value in trailers.items() if one_line(value)]
    return f"{one_line(subject)}\n\n" + "\n".join(lines) + "\n"
