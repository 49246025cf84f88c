# What a program written with PyGithub does; prints what it saw as JSON.
import json
import os

from github import Github, GithubException

github = Github(os.environ["TOKEN"], base_url=os.environ["API_URL"])
repo = github.get_repo("acme/app")
main = repo.get_branch(repo.default_branch)
repo.create_git_ref("refs/heads/work", main.commit.sha)
content = repo.get_contents("README.md", ref="work")
repo.update_file(content.path, "Say more", "# App\n\nMore.\n", content.sha, branch="work")
repo.create_file("docs/new.md", "Add a page", "new\n", branch="work")
pull = repo.create_pull(title="More", body="By PyGithub", head="work", base="main")
pull.add_to_labels("agent")
pull.create_issue_comment("A comment")
pull.create_review(commit=repo.get_commit(pull.head.sha), body="Looks right", event="COMMENT")
pull.create_issue_comment("Another").create_reaction("eyes")
repo.get_commit(pull.head.sha).create_status("success", context="checks", description="all well")
repo.create_git_release("v1", "First", "Notes", target_commitish=main.commit.sha)
try:
    repo.get_contents("missing.txt")
    missing = None
except GithubException as error:
    missing = error.status
print(
    json.dumps(
        {
            "login": github.get_user().login,
            "files": sorted(file.filename for file in pull.get_files()),
            "commits": pull.get_commits().totalCount,
            "comments": [comment.body for comment in pull.get_issue_comments()],
            "reviews": [review.state for review in pull.get_reviews()],
            "labels": [label.name for label in pull.get_labels()],
            "permission": repo.get_collaborator_permission("triager"),
            "status": repo.get_commit(pull.head.sha).get_combined_status().state,
            "merged": pull.merge().merged,
            "missing": missing,
        }
    )
)
