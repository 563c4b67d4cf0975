"""Table file: one Parquet file written as rows come, in large row groups, in bounded memory."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from federation.lake.storage import LakeOutput

ROW_GROUP_ROWS: Final = 65_536
BUFFER_BYTES: Final = 32 * 1024 * 1024
"""What waits for its row group to fill: wide rows make smaller row groups, and whoever reads them needs less memory."""


class TableFile:
    """A Parquet file in the making: zstd level 3, dictionaries, row groups of 64k rows or 32 MB.

    Attributes:
        schema: its columns; every table appended has exactly these.
        rows: rows appended so far.
        buffered: bytes that wait for their row group to fill.
    """

    def __init__(self, output: LakeOutput, schema: pa.Schema) -> None:
        self.schema = schema.remove_metadata()
        self.rows = 0
        self.buffered = 0
        self._output = output
        self._waiting: list[pa.Table] = []
        self._waiting_rows = 0
        self._writer = pq.ParquetWriter(output, self.schema, compression="zstd", compression_level=3)

    @property
    def path(self) -> str:
        """Where it lies, relative to the satellite's folder."""
        return self._output.path

    @property
    def size(self) -> int:
        """Bytes written: the file's size once it is finished."""
        return self._output.size

    @property
    def sha256(self) -> str:
        """The file's SHA-256 once it is finished."""
        return self._output.sha256

    def append(self, table: pa.Table) -> None:
        """Add rows."""
        self._waiting.append(table)
        self._waiting_rows += table.num_rows
        self.rows += table.num_rows
        self.buffered += table.nbytes
        if self._waiting_rows >= ROW_GROUP_ROWS or self.buffered >= BUFFER_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._writer.write_table(pa.concat_tables(self._waiting), row_group_size=2 * ROW_GROUP_ROWS)
            self._waiting.clear()
            self._waiting_rows = self.buffered = 0

    def finish(self) -> None:
        """Write the rest and close the file."""
        self.flush()
        self._writer.close()
        self._output.close()

    def abort(self) -> None:
        """Give the file up: nothing of it stays."""
        self._waiting.clear()
        try:
            self._writer.close()
        finally:
            self._output.discard()
