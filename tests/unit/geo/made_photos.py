"""Small photos with headers as cameras write them."""

from __future__ import annotations

import io
import struct
import zlib
from fractions import Fraction

from PIL import Image
from PIL.TiffImagePlugin import IFDRational

DJI = (
    'drone-dji:RelativeAltitude="+40.00" drone-dji:GimbalYawDegree="+45.30" '
    'drone-dji:GimbalPitchDegree="-90.00" drone-dji:GimbalRollDegree="+0.00" '
    'drone-dji:AbsoluteAltitude="+198.51"'
)
XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"


def rational(value: float) -> IFDRational:
    return IFDRational(Fraction(value).limit_denominator(100_000))


def exif(*, lat: float = 46.5, lon: float = -91.25, size: tuple[int, int] = (0, 0)) -> bytes:
    """EXIF with GPS, 20 mm on 35-mm film, and the size that the photo was taken at."""
    block = Image.Exif()
    block[0x0110] = "FC300S"
    block[0x0112] = 1
    photo = block.get_ifd(0x8769)
    photo[0x9003] = "2016:06:23 16:32:27"
    photo[0x920A] = rational(3.61)
    photo[0xA405] = 20
    if size[0]:
        photo[0xA002], photo[0xA003] = size
    gps = block.get_ifd(0x8825)
    for place, value in ((1, lat), (3, lon)):
        gps[place] = ("N" if value >= 0 else "S") if place == 1 else ("E" if value >= 0 else "W")
        degrees, rest = divmod(abs(value), 1)
        gps[place + 1] = (rational(degrees), rational(60 * rest), rational(0))
    gps[5], gps[6] = b"\0", rational(198.5)
    return block.tobytes()


def xmp(attributes: str, elements: str = "") -> bytes:
    return (
        '<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF>'
        f'<rdf:Description rdf:about="" {attributes}>{elements}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def jpeg(
    packet: bytes = b"", *, exif_block: bytes = b"", size: tuple[int, int] = (400, 300)
) -> bytes:
    file = io.BytesIO()
    Image.new("L", size).save(file, "JPEG", exif=exif_block)
    data = file.getvalue()
    if not packet:
        return data
    content = XMP_PREFIX + packet
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + data[2:]


def png(packet: bytes, *, packed: bool = False) -> bytes:
    file = io.BytesIO()
    Image.new("L", (40, 30)).save(file, "PNG")
    data = file.getvalue()
    text = zlib.compress(packet) if packed else packet
    content = b"XML:com.adobe.xmp\0" + bytes([packed, 0]) + b"\0\0" + text
    chunk = struct.pack(">L", len(content)) + b"iTXt" + content
    chunk += struct.pack(">L", zlib.crc32(b"iTXt" + content))
    return data[:33] + chunk + data[33:]


def tiff(packet: bytes) -> bytes:
    file = io.BytesIO()
    Image.new("L", (40, 30)).save(file, "TIFF", tiffinfo={700: packet})
    return file.getvalue()
