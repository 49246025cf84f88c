"""Says below a pushed commit how many files the push has changed."""
import json
import os
import sys

job = json.load(sys.stdin)
push = job["payload"] or {}
repository = ((job["event"] or {}).get("facts") or {}).get("repository")
if repository is None or "commits" not in push:
    print("this is no push, there is nothing to count")
    sys.exit(0)

files = set()
for commit in push["commits"]:
    for change in ("added", "modified", "removed"):
        files.update(commit[change])
print(f"{len(files)} files in {len(push['commits'])} commits")

comment = {
    "kind": "comment",
    "repository": repository,
    "target": {"commit": push["after"]},
    "key": "changes",
    "body": f"This push changed {len(files)} files.",
}
with os.fdopen(3, "w") as answer:
    json.dump({"outputs": [comment], "result": {"files": len(files)}}, answer)
