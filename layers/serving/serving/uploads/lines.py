"""The lines of a file as text, at their positions in its bytes."""

import io

from serving.errors import InputTooLarge, InvalidInput, MalformedInput

LINE_BYTES = 1_000_000  # a longer line is refused: nothing that is predicted needs one
SKIPPED_BYTES = 100_000_000  # a line still longer is none: the file is refused, not read to its end


class Lines:
    """Decoded lines of a file; position: bytes of the content that were read up to here."""

    def __init__(self, file: io.BufferedReader, position: int) -> None:
        self._file, self.position = file, position
        self._fault: InvalidInput | None = None

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        begins = self.position == 0
        line = self._file.readline(LINE_BYTES + 1)
        if not line:
            raise StopIteration
        self.position += len(line)
        if len(line) > LINE_BYTES:
            self._skip(line)
            self._fault = InputTooLarge(f"expected a line of at most {LINE_BYTES} bytes, got more")
            return "\n"
        encoding = "utf-8-sig" if begins else "utf-8"
        try:
            return line.decode(encoding)
        except UnicodeDecodeError as exc:
            self._fault = MalformedInput(
                f"expected UTF-8, got byte 0x{line[exc.start]:02x} at {exc.start} of the line"
            )
            return line.decode(encoding, "replace")  # for its quotes, which may end a row

    def take_fault(self) -> InvalidInput | None:
        """What was wrong with the lines since the last call."""
        fault, self._fault = self._fault, None
        return fault

    def _skip(self, line: bytes) -> None:
        begins = self.position
        while line and not line.endswith(b"\n"):
            line = self._file.readline(LINE_BYTES)
            self.position += len(line)
            if self.position - begins > SKIPPED_BYTES:
                raise InputTooLarge(f"expected lines, got one of over {SKIPPED_BYTES} bytes")
