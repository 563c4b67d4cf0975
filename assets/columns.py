"""Columns: a table's columns as Dagster's UI shows them."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
import pyarrow as pa

from federation.contract.columns import Column, TableContract


def contract_columns(table: TableContract) -> dg.TableSchema:
    """Return the columns that the contract states, each with its label, description and satellites."""
    return dg.TableSchema(columns=[_column(column.name, column.type, column) for column in table.columns])


def package_columns(schema: pa.Schema, known: Mapping[str, Column]) -> dg.TableSchema:
    """Return the columns that a package carries, described as far as the contract knows them."""
    return dg.TableSchema(columns=[_column(field.name, field.type, known.get(field.name)) for field in schema])


def _column(name: str, arrow: pa.DataType, known: Column | None) -> dg.TableColumn:
    if known is None:
        return dg.TableColumn(name, type=str(arrow))
    satellites = f"Satellites: {', '.join(known.satellites)}." if known.satellites else ""
    texts = (known.label, known.description, satellites)
    return dg.TableColumn(
        name,
        type=str(arrow),
        description="\n\n".join(text for text in texts if text) or None,
    )
