"""The encodings of a body: gzip and deflate, decoded piece by piece, as far as a limit allows.

The platform does not document any, but a gateway in between may encode what it passes on. Few bytes
can become many, so what comes out is made in small pieces, of which the reader takes no more than
it wants.
"""

import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from contextlib import aclosing
from typing import Final

from engagelab_async.errors import InvalidCallbackError

_PIECE: Final = 65_536
_WINDOWS: Final = {
    "gzip": zlib.MAX_WBITS | 16,
    "x-gzip": zlib.MAX_WBITS | 16,
    "deflate": zlib.MAX_WBITS,
}


async def decoded(pieces: AsyncIterable[bytes], encoding: str) -> AsyncGenerator[bytes]:
    """Decode a body as its ``Content-Encoding`` says, which may be empty.

    Raises:
        InvalidCallbackError: It is encoded in another way, or not in the way that the header says.
    """
    names = [name for name in encoding.lower().replace(" ", "").split(",") if name]
    names = [name for name in names if name != "identity"]
    if not names:
        async for piece in pieces:
            yield piece
    elif names[0] in _WINDOWS and len(names) == 1:
        async with aclosing(_inflated(pieces, names[0])) as inflated:
            async for piece in inflated:
                yield piece
    else:
        raise InvalidCallbackError("Content-Encoding: only gzip and deflate are known")


async def _inflated(pieces: AsyncIterable[bytes], name: str) -> AsyncGenerator[bytes]:
    inflater = None
    async for piece in pieces:
        left = piece
        while left:
            if inflater is None or inflater.eof:  # gzip may have several members
                inflater = _inflater(name, left[0])
            for made in _steps(inflater, left):
                yield made
            left = inflater.unused_data
    # What gzip ends with may be missing, as aiohttp takes it: then the JSON is whole, or is none.
    if name == "deflate" and inflater is not None and not inflater.eof:
        raise _broken()


def _inflater(name: str, first: int) -> "zlib._Decompress":
    # Half the world leaves out the zlib header of "deflate"; its low bits are 8 where it is there.
    is_raw = name == "deflate" and first & 0xF != 8  # noqa: PLR2004 - the method "deflate"
    return zlib.decompressobj(-zlib.MAX_WBITS if is_raw else _WINDOWS[name])


def _steps(inflater: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    # Until nothing comes: what zlib has consumed whole may have more in it than one step takes.
    while made := _step(inflater, data):
        yield made
        data = inflater.unconsumed_tail


def _step(inflater: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return inflater.decompress(data, _PIECE)
    except zlib.error:
        raise _broken() from None


def _broken() -> InvalidCallbackError:
    return InvalidCallbackError("the body is not encoded as its Content-Encoding says")
