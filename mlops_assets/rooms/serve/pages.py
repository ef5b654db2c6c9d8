"""The docs page: what can be asked, with an example that is answered on the spot; it loads nothing from elsewhere."""

import json
from collections.abc import Mapping
from html import escape
from typing import Final

from mlops_assets.rooms.serve import told
from mlops_assets.rooms.serve.line import Line
from mlops_assets.rooms.serve.openapi import example
from mlops_assets.rooms.serve.question import allowed
from mlops_assets.rooms.serve.served import Served

_STYLE: Final = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.5rem}code,textarea,pre{font:13px/1.45 ui-monospace,monospace}
textarea{width:100%;height:16rem;box-sizing:border-box}pre{background:#8881;padding:.8rem;overflow:auto}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #8883}
button{font:inherit;padding:.35rem 1rem;margin:.6rem 0}.no{color:#b00020}
"""
_SCRIPT: Final = """
for(const form of document.querySelectorAll('[data-path]')){
 form.querySelector('button').addEventListener('click',async()=>{
  const out=form.querySelector('pre'),token=document.getElementById('token').value;
  const headers={'Content-Type':'application/json'};if(token)headers.Authorization='Bearer '+token;
  try{const r=await fetch(form.dataset.path,{method:'POST',headers,body:form.querySelector('textarea').value});
   out.textContent=r.status+' '+r.statusText+'\\n'+JSON.stringify(await r.json(),null,2);}
  catch(e){out.textContent=String(e);}
 });}
"""


def docs(lines: Mapping[str, Line]) -> bytes:
    """The page of everything that is served now."""
    served = [line.champion for line in lines.values() if line.champion]
    parts = [_section(each) for each in served] or [
        f"<p class=no>Nothing is served yet; next: {escape(told.NOTHING)}</p>"
    ]
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>Predictions</title><style>{_STYLE}</style>"
    intro = (
        "<h1>Predictions</h1><p>Machines read <a href=/openapi.json>openapi.json</a>; <a href=/readyz>readyz</a> says "
        "what answers now. Tell what became of a prediction: <code>POST /v1/feedback</code> with its <code>id</code>, "
        "<code>model</code> and <code>label</code>.</p><p><label>Token, where one is asked for: "
        "<input id=token type=password autocomplete=off></label></p>"
    )
    return (head + intro + "".join(parts) + f"<script>{_SCRIPT}</script></html>").encode()


def _section(served: Served) -> str:
    path = f"/v1/models/{served.model}:predict"
    question = json.dumps({"inputs": example(served), "explain": True}, indent=1, ensure_ascii=False)
    rows = "".join(
        f"<tr><td><code>{escape(entry['name'])}</code><td>{escape(allowed(entry))}<td>{escape(entry['log'])}"
        for entry in served.manifest["schema"]
    )
    engine = f"{served.manifest['engine']} ({served.manifest['parity']['reason']})"
    key = json.dumps({"key": dict.fromkeys(served.lookups.asks, "…")}, ensure_ascii=False)
    return (
        f"<h2 id={served.model}>{escape(served.model)} v{served.version}</h2>"
        f"<p>{escape(served.manifest['description'])} <a href=/v1/models/{served.model}/card>The card</a>. "
        f"Engine: {escape(engine)}.</p>"
        f"<div data-path={path}><p><code>POST {path}</code>, or <code>{escape(key)}</code> where the features are "
        f"online:</p><textarea spellcheck=false>{escape(question)}</textarea><button>Ask</button><pre></pre></div>"
        f"<details><summary>What each input may be, and what the log keeps of it</summary>"
        f"<table><tr><th>input<th>allowed<th>log</tr>{rows}</table></details>"
        f"<p>Many at once: <code>POST /v1/models/{served.model}:predictBatch</code> with "
        "<code>{&quot;instances&quot;: [...]}</code> or <code>{&quot;keys&quot;: [...]}</code>, an Arrow IPC stream or "
        "file, or Parquet.</p>"
    )
