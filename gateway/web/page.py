"""Placeholder until the page is there."""
from fastapi import FastAPI

from gateway.house import House


def page(house: House) -> FastAPI:
    return FastAPI()
