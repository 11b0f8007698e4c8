"""XMP packets (ISO 16684-1) with the fields of IPTC's Photo Metadata Standard 2025.1 that name an AI system."""

import re
from typing import Final
from xml.sax.saxutils import escape

from fermata.domain.audio.marks import MADE_BY_A_MODEL, SongFacts

# What XML 1.0 allows in a text (section 2.2); a text in quotes escapes those as well.
_NOT_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_PACKET: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
{fields}
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def xmp_packet(about: SongFacts) -> bytes:
    """The packet that says what a song is, in UTF-8."""
    fields = {
        "Iptc4xmpExt:DigitalSourceType": MADE_BY_A_MODEL,
        "Iptc4xmpExt:AISystemUsed": about.model,
        "xmp:CreateDate": about.made_on.isoformat(),
        "dc:identifier": about.job_id,
    }
    lines = [f"<{name}>{_text(value)}</{name}>" for name, value in fields.items()]
    texts = {"dc:description": about.statement, **({"dc:title": about.title} if about.title else {})}
    lines += [
        f'<{name}><rdf:Alt><rdf:li xml:lang="x-default">{_text(value)}</rdf:li></rdf:Alt></{name}>'
        for name, value in texts.items()
    ]
    return _PACKET.format(fields="\n".join(lines)).encode()


def _text(value: str) -> str:
    return escape(_NOT_XML.sub(" ", value))
