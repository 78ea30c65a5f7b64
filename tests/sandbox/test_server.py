"""The Bot API over HTTP, and who may use the server."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox.client.telegram_client import TelegramClient
from sandbox.engine import Engine
from sandbox.server import build_app, serve
from tests.sandbox.conftest import TOKEN, inline_keyboard
from tests.sandbox.test_files import PNG

API = f"/bot{TOKEN}"
Client = TestClient[Any, Any]


@pytest.fixture
async def client(engine: Engine) -> AsyncIterator[Client]:
    async with TestClient(TestServer(build_app(engine, "page-token"))) as client:
        yield client


async def read_result(response: aiohttp.ClientResponse) -> Any:
    """Return the result of a call that worked."""
    shape = await response.json()
    assert shape["ok"], shape
    return shape["result"]


async def test_parameters_come_in_any_form_telegram_takes(
    client: Client, ann: TelegramClient
) -> None:
    rows = inline_keyboard([("Yes", "y")])
    form = {"chat_id": str(ann.id), "text": "x", "reply_markup": json.dumps(rows)}
    sent = [
        await read_result(await client.get(f"{API}/sendMessage", params=form)),
        await read_result(await client.post(f"{API}/sendMessage", data=form)),
        await read_result(
            await client.post(f"{API}/sendMessage", json={**form, "reply_markup": rows})
        ),
    ]
    multipart = aiohttp.FormData(form, default_to_multipart=True)
    sent.append(await read_result(await client.post(f"{API}/sendMessage", data=multipart)))
    assert [message["reply_markup"] for message in sent] == [rows] * 4


async def test_query_and_body_are_taken_together(client: Client, ann: TelegramClient) -> None:
    response = await client.post(f"{API}/sendMessage?chat_id={ann.id}", json={"text": "x"})
    assert (await read_result(response))["text"] == "x"


async def test_a_file_is_uploaded_and_downloaded(client: Client, ann: TelegramClient) -> None:
    form = aiohttp.FormData({"chat_id": str(ann.id)})
    form.add_field("photo", PNG, filename="card.png", content_type="image/png")
    sent = await read_result(await client.post(f"{API}/sendPhoto", data=form))
    file_id = sent["photo"][-1]["file_id"]
    found = await read_result(await client.get(f"{API}/getFile", params={"file_id": file_id}))
    response = await client.get(f"/file{API}/{found['file_path']}")
    assert await response.read() == PNG
    assert (await client.get(f"/file{API}/photos/other.png")).status == 404
    assert (await client.get(f"/file/bot1:x/{found['file_path']}")).status == 401


@pytest.mark.parametrize(
    ("path", "status", "description"),
    [
        ("/bot1:wrong/getMe", 401, "Unauthorized"),
        (f"{API}/getMee", 404, "Not Found: method not found"),
        (f"{API}/sendMessage?chat_id=7&text=x", 400, "Bad Request: chat not found"),
        (f"{API}/getUpdates?offset=x", 400, "Bad Request: can't parse offset"),
    ],
)
async def test_errors_have_their_status_and_words(
    client: Client, path: str, status: int, description: str
) -> None:
    response = await client.get(path)
    shape = await response.json()
    assert (response.status, shape["error_code"], shape["ok"]) == (status, status, False)
    assert shape["description"].startswith(description)


async def test_unknown_paths_are_told_in_json(client: Client) -> None:
    bot_api = await client.get(API)
    assert (bot_api.status, (await bot_api.json())["description"]) == (404, "Not Found")
    people = await client.get("/sandbox/peeple")
    assert (people.status, (await people.json())["error"]) == (404, "not_found")
    verb = await client.get("/sandbox/people")
    assert (verb.status, (await verb.json())["error"]) == (405, "method_not_allowed")


@pytest.mark.parametrize("body", ["{", "[]", '"x"'])
async def test_a_body_that_is_no_object_is_refused(client: Client, body: str) -> None:
    headers = {"Content-Type": "application/json"}
    response = await client.post(f"{API}/getMe", data=body, headers=headers)
    assert response.status == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "127.0.0.1.attacker.example"},
        {"Host": "[::ffff"},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/sandbox/state?token=page-token", f"{API}/getMe", "/"])
async def test_other_hosts_and_other_sites_are_refused(
    client: Client, headers: dict[str, str], path: str
) -> None:
    assert (await client.get(path, headers=headers)).status == 403


async def test_the_page_is_shown_to_who_has_the_token(client: Client) -> None:
    assert (await client.get("/")).status == 403
    assert (await client.get("/?token=wrong")).status == 403
    first = await client.get("/?token=page-token", allow_redirects=False)
    assert (first.status, first.headers["Location"]) == (303, "/")
    cookie = first.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    page = await client.get("/")
    assert page.status == 200
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert (await client.get("/sandbox/state")).status == 200, "the cookie is enough"


async def test_the_pages_files_are_served(client: Client) -> None:
    response = await client.get("/page/app.js")
    assert response.content_type in ("text/javascript", "application/javascript")


async def test_serving_gives_the_addresses(engine: Engine) -> None:
    sandbox = await serve(engine)
    try:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            me = await read_result(await session.get(f"{sandbox.api_url}{API}/getMe"))
            assert me["id"] == 123456
            page = await session.get(sandbox.page_url)
            assert page.status == 200
    finally:
        await sandbox.close()


async def test_every_sandbox_has_a_token_of_its_own(engine: Engine) -> None:
    one, other = await serve(engine), await serve(engine)
    await one.close()
    await other.close()
    assert one.page_url.partition("token=")[2] != other.page_url.partition("token=")[2]


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "example.com"])
async def test_only_loopback_is_served(engine: Engine, host: str) -> None:
    with pytest.raises(ValueError, match="not a loopback address"):
        await serve(engine, host=host)
