"""Batches that survive a crash."""

from langchain_fal_image.durable.batch import BatchReport, DurableBatch
from langchain_fal_image.durable.journal import Entry

__all__ = ["BatchReport", "DurableBatch", "Entry"]
