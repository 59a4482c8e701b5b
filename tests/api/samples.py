"""Records to store: some made here, and the shared test data when $COFFER_TEST_DATA says where it is."""

import os
import random

MEDIA_TYPES = {
    ".json": "application/fhir+json",
    ".xml": "application/xml",
    ".dcm": "application/dicom",
    ".hl7": "x-application/hl7-v2+er7",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".ndjson": "application/x-ndjson",
    ".txt": "text/plain",
    ".md": "text/markdown",
}


def made():
    """(name, media type, bytes), the same at every run."""
    noise = random.Random(20)
    rows = [
        ("empty", "application/octet-stream", b""),
        ("one byte", "application/octet-stream", b"\0"),
        ("decimals", "application/fhir+json", b'{"value": 1.000000000000000000E-245, "value": 1.10}'),
        ("byte order mark", "text/plain; charset=utf-8", b"\xef\xbb\xbftext\r\n\r\n"),
        ("latin-1", "text/plain; charset=iso-8859-1", b"M\xfcller\r\xe9"),
        ("invalid utf-8", "application/json", b'"\xff\xfe\xed\xa0\x80"'),
        ("hl7", "x-application/hl7-v2+er7", b"MSH|^~\\&|LAB|HOSP|||202401010000||ORU^R01|1|P|2.5\rPID|1||42\r"),
        ("http in a record", "text/plain", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ]
    for size in (65535, 65536, 65537, 131072, 1000003):
        rows.append((f"{size} bytes", "application/octet-stream", noise.randbytes(size)))
    return rows


def shared():
    """The same from the shared data; None when it is not there."""
    folder = os.path.join(os.environ.get("COFFER_TEST_DATA", ""), "records")
    if not os.environ.get("COFFER_TEST_DATA") or not os.path.isdir(folder):
        return None
    rows = []
    for parent, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(parent, name)
            with open(path, "rb") as file:
                media_type = MEDIA_TYPES.get(os.path.splitext(name)[1].lower(), "application/octet-stream")
                rows.append((os.path.relpath(path, folder), media_type, file.read()))
    return rows
