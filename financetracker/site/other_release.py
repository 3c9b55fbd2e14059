"""While one release replaces another, a page of the new one may ask a pod of the old one for its styles."""

import mimetypes
import re

from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe

# The part of a name that ManifestStaticFilesStorage adds: twelve hexadecimal digits of the content.
HASHED = re.compile(r"(?P<stem>.+)\.[0-9a-f]{12}(?P<suffix>\.[a-z0-9]+)")


@require_safe
def static_of_another_release(_request: HttpRequest, name: str) -> HttpResponseBase:
    """Answer with this release's version of a static file that is asked for under another release's hash.

    Reached only for names that WhiteNoise does not know. Never kept by a browser: the next request gets the
    right one from a pod that has it. 404 where this release has no file of that name.
    """
    match = HASHED.fullmatch(name)
    if match is None or not isinstance(staticfiles_storage, ManifestStaticFilesStorage):
        raise Http404
    plain = match["stem"] + match["suffix"]
    stored = staticfiles_storage.hashed_files.get(plain)
    if stored is None:
        raise Http404
    kind = mimetypes.guess_type(plain)[0] or "application/octet-stream"
    return FileResponse(staticfiles_storage.open(stored), content_type=kind, headers={"Cache-Control": "no-store"})
