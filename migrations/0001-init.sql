-- The whole record of Signalbox: events, the jobs and deliveries they caused, and the deployments.
-- The tables are in a schema of their own, because an application may have tables called `events`
-- and `jobs`. The two views for everyday SQL (`agent_jobs`, `webhook_events`) are in `public`.
create schema if not exists signalbox;

-- The order in which events are read by a cursor (src/events/feed.ts): by the transaction that
-- recorded them, because ids are made before a commit and may become visible in another order.
-- `base` is raised after the tables were copied to a server whose transactions count from less.
create table signalbox.event_positions (base bigint not null);
insert into signalbox.event_positions values (0);
create function signalbox.event_position() returns bigint language sql volatile as $$
  select base + pg_current_xact_id()::text::bigint from signalbox.event_positions
$$;

-- One row for everything that happened, ignored and rejected things included. It says the same as
-- long as it is there: what changes is how its body is stored, and when that is deleted.
create table signalbox.events (
  id uuid primary key,
  source text not null,
  -- The sender's own id for this delivery; the unique key below is what makes a repeat a no-op.
  delivery_id text not null,
  type text not null,
  status text not null check (status in ('routed', 'ignored', 'rejected')),
  -- Why nothing followed; of a routed one, what kept the rules that were for it.
  reason text,
  subject text,
  actor text,
  -- What rules match on: repository, branch, tag, label, action, environment, app, author …
  facts json not null default '{}',
  -- Raw bytes as they came (null when rejected): replayable and verifiable again to the byte.
  body bytea,
  -- The same bytes, compressed, where `body` is not: they are moved here once they are an hour old
  -- (src/retention/pack.ts). One of the two is null.
  packed bytea,
  -- What the event says, where that is not simply the body: a source translated it, or the body is
  -- not JSON. Null: the body is the payload.
  payload json,
  content_type text,
  headers json not null default '{}',
  -- How many internal events are between this one and something from outside; stops loops.
  depth smallint not null default 0,
  cause_job_id uuid,
  -- The half of a signature that covers the body alone: the same body again, under another delivery
  -- id, is the same event. Null where the signature covers the id, or two events may be alike.
  body_key uuid,
  -- When body and payload were deleted, because they were old.
  body_pruned_at timestamptz,
  received_at timestamptz not null default now(),
  -- When it was fetched from its sender, because it had not arrived by itself (src/gaps).
  recovered_at timestamptz,
  position bigint not null default signalbox.event_position(),
  constraint events_reason check (status = 'routed' or reason is not null),
  constraint events_delivery unique (source, delivery_id)
);
-- body: a repeated body, beside the unique key of the table.
create unique index events_body on signalbox.events (source, body_key) where body_key is not null;
-- received: `webhook_events` in the order of time.
create index events_received on signalbox.events (received_at desc);
-- position: reading by a cursor. One column only, as for `events_type`.
create index events_position on signalbox.events (position);
-- type: lists of a rare type, and whether there is any. Lists of the others are read back from the
-- newest event. One column only, so that equal entries are stored once.
create index events_type on signalbox.events (type);
-- subject: what reached us about one thing, newest first, however many events it has. To GitHub a
-- repository is the same in capitals and small letters.
create index events_subject on signalbox.events (lower(subject) text_pattern_ops, id);
-- sha: the same of a commit, by the beginning of its id.
create index events_sha on signalbox.events (left(facts ->> 'sha', 12) text_pattern_ops);
-- cause: what a job's work led to.
create index events_cause on signalbox.events (cause_job_id) where cause_job_id is not null;
-- rejected: lists of refused requests, of which the newest are kept.
create index events_rejected on signalbox.events (id desc) where status = 'rejected';

-- What is deleted because it is old, and bodies that are packed: a row for each kind
-- (src/retention).
create table signalbox.retention (
  kind text primary key,
  -- Of what is older, only what is needed is left: the next run begins here.
  done_before timestamptz not null default '-infinity',
  -- How many rows so far, and about how many bytes.
  removed bigint not null default 0,
  bytes bigint not null default 0,
  -- When the last whole run ended.
  finished_at timestamptz
);
-- The node that does so; no other does until its time is up.
create table signalbox.retention_lease (owner uuid, until timestamptz not null);
insert into signalbox.retention_lease values (null, '-infinity');

-- Claimable rows, jobs and deliveries alike (src/queue). `available_at` is the one timer: it
-- schedules a pending row, delays the next attempt, and is the end of a running row's lease.
create table signalbox.jobs (
  id uuid primary key,
  event_id uuid references signalbox.events (id),
  rule text not null,
  type text not null,
  agent text not null,
  -- `json`, not `jsonb`: a manual payload may contain \u0000, which jsonb refuses.
  input json not null,
  -- What its outputs may write, as its rule said when it was made. Null: nothing.
  policy json,
  -- What to ask the forge before it runs: whether those who caused it may. Null: nothing.
  who json,
  -- Until that is answered, what it will have of the columns for its group, its debounce and its
  -- ceiling: nobody's job is held up or counted because of one that is refused. Null: it has them.
  joins json,
  -- The model that its rule names, and what it may use; null: the default, and no limit.
  model json,
  budget json,
  status text not null default 'pending'
    check (status in ('pending', 'running', 'waiting', 'completed', 'failed', 'cancelled')),
  priority smallint not null check (priority between 1 and 10),
  -- Of one group at most `group_limit` rows run at a time: each takes a slot, counted from 0.
  group_key text,
  group_slot smallint not null default 0,
  group_limit smallint not null default 1 check (group_limit between 1 and 100),
  -- Whether it keeps its group from the start of its first attempt to its end, back-off included. A
  -- job of the mode `next` does from the moment it may begin until it waits, and is not superseded.
  holds_group boolean not null default false,
  available_at timestamptz not null default now(),
  -- Whether the source of its event is paused: it is not claimed. A trigger sets it where an insert
  -- does not, and src/pauses when that changes.
  held boolean not null,
  -- Attempts begun so far, and what became of those that did not complete: the row fails when its
  -- `failures` reach `max_attempts`. `losses` (its worker vanished) and `deferrals` (put off by the
  -- agent, or released by the worker) have limits of their own, in src/queue. A job that has yet to
  -- join its group begins with -1: the first attempt only asks.
  attempt integer not null default 0,
  failures integer not null default 0,
  losses integer not null default 0,
  deferrals integer not null default 0,
  max_attempts integer not null,
  time_limit_ms integer not null,
  -- Who makes the running attempt. Its row in job_attempts is written when it ends.
  owner uuid,
  attempt_started_at timestamptz,
  -- What a running row becomes when its worker has let go of it: a person has ended it.
  ends_as text check (ends_as in ('pending', 'waiting', 'completed', 'failed', 'cancelled')),
  -- Of the jobs of a rule and group: `queue` does each in its turn, `latest` only that of the
  -- newest event, and with `skip` none is made while another has not ended. Of those of a group
  -- with `next`, whatever their rules, only that of the newest event is begun.
  mode text not null default 'queue' check (mode in ('queue', 'latest', 'next', 'skip')),
  -- When its event happened, by the sender's clock where it says so, but not after it was recorded
  -- by the database's: what is newest. Clocks of the hosts that received it differ.
  event_at timestamptz not null default now(),
  -- The job of a newer event that is done in its place.
  superseded_by uuid,
  -- When the first event of those came that share this debounced job.
  debounced_since timestamptz,
  -- What its event is about, where its rule has a ceiling.
  ceiling_subject text,
  -- What the agent returned, and when, once it has left outputs: it does not run again for them.
  result json,
  ran_at timestamptz,
  -- The job that ended without completing, whose outputs for that case this one writes.
  settles uuid,
  -- A person has ended it while it did not run, and no event says so yet (ended-by-hand.ts).
  unreported boolean not null default false,
  -- The replay that made it of an event that was there already, and who asked for that.
  replay uuid,
  replayed_by text,
  error text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz
);

-- One row per ended attempt.
create table signalbox.job_attempts (
  job_id uuid not null references signalbox.jobs (id) on delete cascade,
  attempt integer not null,
  owner uuid not null,
  outcome text not null check (outcome in ('completed', 'failed', 'retried', 'waiting', 'lost', 'cancelled')),
  error text,
  -- Of one that failed: whose fault it is, as far as its error says (src/jobs/failure-cause.ts).
  cause text,
  result json,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  primary key (job_id, attempt)
);

-- What a step returned, so that a job resumes after its last finished step.
create table signalbox.job_steps (
  job_id uuid not null references signalbox.jobs (id) on delete cascade,
  name text not null,
  attempt integer not null,
  result json,
  finished_at timestamptz not null default now(),
  primary key (job_id, name)
);

-- Every call of a model that was answered, and what it cost: `usd` is null where no price is known.
create table signalbox.job_model_calls (
  id bigint generated always as identity primary key,
  job_id uuid not null references signalbox.jobs (id) on delete cascade,
  attempt integer not null,
  -- The step it was made for.
  name text,
  model text not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  usd double precision,
  took_ms integer not null,
  at timestamptz not null default now()
);
create index job_model_calls_job on signalbox.job_model_calls (job_id, id);

-- What jobs wait for, and what came of it: a later attempt of the job gets that.
create table signalbox.job_waits (
  job_id uuid not null references signalbox.jobs (id) on delete cascade,
  name text not null,
  kind text not null check (kind in ('sleep', 'event', 'approval')),
  -- The attempt that began to wait.
  attempt integer not null,
  -- Which events are waited for: types, sources, and conditions on their facts and payloads.
  wanted json,
  -- The repository and number that such an event must have, to find this by; null is any.
  repository text,
  number bigint,
  -- Of an approval: who may give it, why it is asked for, and what it is for.
  approval json,
  since timestamptz not null,
  until timestamptz not null,
  -- Set with the event, or the result, or neither when the time was up.
  ended_at timestamptz,
  event_id uuid,
  result json,
  primary key (job_id, name)
);
-- awaited: the waits that an event may be for. Approvals stay, so that one that is late is noted.
create index job_waits_awaited on signalbox.job_waits (coalesce(repository, ''), coalesce(number, 0))
  where kind <> 'sleep' and (ended_at is null or kind = 'approval');

-- event: which jobs an event was waited for by.
create index job_waits_event on signalbox.job_waits (event_id) where event_id is not null;

-- The answers to approvals, and why one did not count.
create table signalbox.job_answers (
  id uuid primary key,
  job_id uuid not null,
  name text not null,
  -- Null when it was given by the API.
  event_id uuid,
  decision text not null check (decision in ('approve', 'reject', 'moved')),
  given_by text,
  via text not null check (via in ('comment', 'review', 'push', 'api')),
  reason text,
  at timestamptz not null,
  -- When the job looked at it; `refusal` is null when it counted.
  judged_at timestamptz,
  refusal text,
  unique (job_id, name, event_id),
  foreign key (job_id, name) references signalbox.job_waits on delete cascade
);
create index job_answers_event on signalbox.job_answers (event_id) where event_id is not null;

-- The types of events, as globs, that any job has waited for: other events are recorded without a
-- look at what waits. `since`: when a job last began to wait for it, to the hour.
create table signalbox.awaited_types (type text primary key, since timestamptz not null default now());

create table signalbox.job_log (
  id bigint generated always as identity primary key,
  job_id uuid not null references signalbox.jobs (id) on delete cascade,
  attempt integer not null,
  at timestamptz not null default now(),
  stream text not null default 'log' check (stream in ('log', 'stdout', 'stderr')),
  line text not null,
  -- What the agent gave with it, for programs.
  fields jsonb
);
create index job_log_job on signalbox.job_log (job_id, id);

-- What an agent wants written to the forge, and the receipt once it is there.
create table signalbox.outputs (
  id uuid primary key,
  job_id uuid not null references signalbox.jobs (id) on delete cascade,
  position smallint not null,
  kind text not null,
  -- Where it is written, as events name it: what is reported from elsewhere is not believed.
  repository text not null,
  -- What later outputs of the job call it.
  name text,
  -- What its hidden marker or its commit says; `#12`, what it is about, where it has neither.
  key text,
  body json not null,
  -- What the agent called it when it published it while it ran; null: `run` returned it.
  early text,
  -- `staged`: shown, and not written, because its rule says so. `otherwise`: for the case that the
  -- job ends without completing, and `replaced` by another one for that case.
  status text not null default 'pending'
    check (status in ('pending', 'published', 'staged', 'refused', 'otherwise', 'replaced')),
  reason text,
  receipt json,
  -- What a staged one would have written, for people.
  preview text,
  created_at timestamptz not null default now(),
  published_at timestamptz,
  unique (job_id, position)
);
-- key: which job wrote what the forge reports.
create index outputs_key on signalbox.outputs (key);
-- created_at: the same, of what has no key, such as a label. Small: rows only come at the end.
create index outputs_created on signalbox.outputs using brin (created_at);

-- What was written to a forge, by whom and under which rule. Rows are only ever added, and outlive
-- their jobs.
create table signalbox.writes (
  id bigint generated always as identity primary key,
  job_id uuid not null,
  attempt integer not null,
  rule text not null,
  agent text not null,
  position smallint not null,
  kind text not null,
  repository text not null,
  -- Of the rule and its agent as they were configured when the job was made.
  config_sha256 text,
  -- Of the output as it is stored.
  output_sha256 text not null,
  -- What the token was allowed. Null: only the token says.
  access json,
  receipt json not null,
  written_at timestamptz not null
);
create index writes_job on signalbox.writes (job_id);
create function signalbox.refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'rows of signalbox.% are only ever added', tg_table_name;
end $$;
create trigger writes_stay before update or delete or truncate on signalbox.writes
  for each statement execute function signalbox.refuse_change();

-- What reviews found, once for each pull request or pushed branch. Rows outlive their jobs.
create table signalbox.findings (
  id uuid primary key,
  repository text not null,
  pull_request integer,
  branch text,
  -- What it is known by in later reviews: a hash of the code it is about.
  fingerprint text not null,
  reviewer text not null,
  category text not null,
  severity text not null check (severity in ('high', 'medium', 'low')),
  confidence double precision not null,
  cost text not null check (cost in ('low', 'medium', 'high')),
  path text not null,
  side text not null check (side in ('LEFT', 'RIGHT')),
  line integer,
  start_line integer,
  title text not null,
  body text not null,
  suggestion text,
  -- `dismissed` holds for the fingerprint in the whole repository, and for good.
  status text not null default 'open' check (status in ('open', 'resolved', 'dismissed', 'outdated')),
  reason text,
  first_sha text not null,
  last_sha text not null,
  job_id uuid,
  thread text,
  comment_url text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  decided_at timestamptz,
  check ((pull_request is null) <> (branch is null))
);
create unique index findings_scope on signalbox.findings
  (repository, coalesce(pull_request, 0), coalesce(branch, ''), fingerprint);
-- What is dismissed in a repository, and how each of its findings was decided.
create index findings_fingerprint on signalbox.findings (repository, fingerprint);
create index findings_created on signalbox.findings (created_at desc, id desc);

-- What the last review of a pull request or branch read, and what it found there: the same is not
-- read again.
create table signalbox.reviewed_files (
  repository text not null,
  pull_request integer,
  branch text,
  key text not null,
  found json not null,
  job_id uuid,
  created_at timestamptz not null default now(),
  check ((pull_request is null) <> (branch is null))
);
create unique index reviewed_files_scope on signalbox.reviewed_files
  (repository, coalesce(pull_request, 0), coalesce(branch, ''), key);
create index reviewed_files_created on signalbox.reviewed_files (created_at);

-- The last review of a pull request or branch: its commit, and a hash of the change that it read.
create table signalbox.reviews (
  repository text not null,
  pull_request integer,
  branch text,
  sha text not null,
  patch text,
  job_id uuid,
  reviewed_at timestamptz not null default now(),
  check ((pull_request is null) <> (branch is null))
);
create unique index reviews_scope on signalbox.reviews
  (repository, coalesce(pull_request, 0), coalesce(branch, ''));
create index reviews_reviewed on signalbox.reviews (reviewed_at);

create table signalbox.deployments (
  id uuid primary key,
  project_id text not null,
  app_name text not null,
  variant_name text not null,
  variant_id text not null,
  environment text not null,
  revision integer not null,
  config json not null,
  config_sha256 text not null,
  config_diff json not null,
  commit_message text,
  deployed_by text not null,
  sequence integer not null,
  previous_deployment_id uuid references signalbox.deployments (id),
  idempotency_key text unique,
  request_sha256 text not null,
  event_id uuid not null,
  created_at timestamptz not null default now(),
  unique (project_id, app_name, environment, sequence)
);

create index deployments_previous on signalbox.deployments (previous_deployment_id);
create index deployments_created on signalbox.deployments (created_at desc, sequence desc, id desc);

-- Pull requests that document a deployment, as GitHub's own events report them.
create table signalbox.deployment_pull_requests (
  deployment_id uuid not null references signalbox.deployments (id) on delete cascade,
  repository text not null,
  number integer not null,
  url text not null,
  state text not null check (state in ('open', 'closed', 'merged')),
  merge_sha text,
  merged_by text,
  merged_at timestamptz,
  event_id uuid not null,
  -- GitHub's own time of the change: a late webhook must not undo a newer one.
  updated_at timestamptz not null,
  primary key (deployment_id, repository, number)
);
create index deployment_pull_requests_number on signalbox.deployment_pull_requests (repository, number);

create table signalbox.endpoints (
  id uuid primary key,
  name text not null,
  kind text not null default 'webhook' check (kind in ('webhook', 'slack', 'telegram', 'email', 'github-dispatch')),
  -- Where it is notified, as everybody may see it.
  url text not null,
  -- What else its kind needs: a chat, addresses, a repository.
  settings json not null default '{}',
  -- Encrypted: `[{sealed, fingerprint, created_at, expires_at}]`, newest first; `{name: sealed}`;
  -- one text.
  secrets json not null,
  headers json not null default '{}',
  credential text,
  -- Which events it wants: types, facts, and conditions on what the event says.
  events text[] not null,
  projects text[],
  environments text[],
  apps text[],
  conditions json,
  -- How it is sent what it wants.
  format text not null default 'envelope' check (format in ('envelope', 'raw')),
  signatures text[] not null default '{standard,agenta}',
  ordering text not null default 'parallel' check (ordering in ('parallel', 'ordered', 'latest-only')),
  -- Seconds from one attempt to the next. Null: the schedule of Standard Webhooks.
  schedule integer[],
  rate_per_second real check (rate_per_second > 0),
  concurrency integer check (concurrency > 0),
  templates json not null default '{}',
  status text not null default 'active' check (status in ('active', 'paused', 'disabled')),
  -- Why, where Signalbox itself paused or disabled it.
  status_reason text,
  status_since timestamptz not null default now(),
  -- When it answered that it wants no more: the configuration does not make it active again, except
  -- with another URL.
  gone_at timestamptz,
  -- Disabled because nothing but failure came of it for days: it is still tried from time to time.
  heals boolean not null default false,
  origin text not null check (origin in ('config', 'api')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create unique index endpoints_config_name on signalbox.endpoints (name) where origin = 'config';

-- Whoever changes the status, by SQL too.
create function signalbox.note_endpoint_status() returns trigger language plpgsql as $$
begin
  new.status_since = now();
  new.heals = new.heals and new.status = 'disabled';
  return new;
end $$;
create trigger endpoints_status before update of status on signalbox.endpoints
  for each row when (old.status <> new.status)
  execute function signalbox.note_endpoint_status();

-- A process decides what follows from events by its own copy of the endpoints and of what rules are
-- paused. Every change to them sets this number, and an insert of events writes nothing when the
-- copy is of another one. It is of a sequence, because a number that was rolled back must not come
-- again for something else.
create sequence signalbox.routing_versions;
create table signalbox.routing_version (version bigint not null);
insert into signalbox.routing_version values (nextval('signalbox.routing_versions'));
-- With the rights of its owner, so that a role needs none on the sequence.
create function signalbox.set_routing_version() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  update signalbox.routing_version set version = nextval('signalbox.routing_versions');
  return null;
end $$;
-- The version for an insert of events. While a job begins to wait, inserts wait for it, and it for
-- them, so that none of the two misses the other: each looks for the other when it has the lock.
create function signalbox.lock_routing() returns bigint language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(1463897429, 0);
  return (select version from signalbox.routing_version);
end $$;
create trigger endpoints_changed after insert or update or delete on signalbox.endpoints
  for each statement execute function signalbox.set_routing_version();

-- What is known of the rules, which are in the configuration: a row for each that has failed or was
-- paused. A paused rule makes no jobs.
create table signalbox.rule_states (
  rule text primary key,
  -- Jobs that failed for good since the last one that completed.
  failures integer not null default 0,
  paused_at timestamptz,
  reason text,
  paused_by text,
  -- When it was resumed: jobs made before do not count for its ceiling.
  counted_from timestamptz,
  constraint rule_states_reason check ((paused_at is null) = (reason is null))
);
create trigger rule_states_made after insert on signalbox.rule_states
  for each row when (new.paused_at is not null) execute function signalbox.set_routing_version();
create trigger rule_states_changed after update on signalbox.rule_states
  for each row when ((old.paused_at, old.reason) is distinct from (new.paused_at, new.reason)) execute function signalbox.set_routing_version();
create trigger rule_states_deleted after delete on signalbox.rule_states
  for each row when (old.paused_at is not null) execute function signalbox.set_routing_version();

create trigger awaited_types_added after insert on signalbox.awaited_types
  for each row execute function signalbox.set_routing_version();

-- How an endpoint does, in a table of its own: an update of `endpoints` raises the version above.
create table signalbox.endpoint_health (
  endpoint_id uuid primary key references signalbox.endpoints (id) on delete cascade,
  -- `open`: so many attempts failed that only one is made from time to time; `recovering`: the
  -- first one after that has succeeded, and `slots` grows with each that follows.
  state text not null default 'closed' check (state in ('closed', 'open', 'recovering')),
  -- Deliveries under way at once; null is what the endpoint allows.
  slots integer,
  -- Nothing is begun before it.
  opens_at timestamptz not null default '-infinity',
  -- Failures since the last success, since when, and how often it was tried while open.
  failures integer not null default 0,
  failing_since timestamptz,
  probes integer not null default 0,
  last_error text,
  last_failure_at timestamptz,
  -- To the minute.
  last_success_at timestamptz,
  -- When it was last said that it fails, whether that still holds, and when that a delivery was
  -- given up.
  alerted_at timestamptz,
  is_alerted boolean not null default false,
  exhausted_at timestamptz
);
-- Who makes it active again, by SQL too, lets it begin anew.
create function signalbox.reset_endpoint_health() returns trigger language plpgsql as $$
begin
  update signalbox.endpoint_health
  set state = 'closed', slots = null, opens_at = '-infinity', failures = 0, failing_since = null, probes = 0,
    is_alerted = false
  where endpoint_id = new.id;
  return null;
end $$;
create trigger endpoints_enabled after update of status on signalbox.endpoints
  for each row when (new.status = 'active' and old.status <> 'active')
  execute function signalbox.reset_endpoint_health();
create function signalbox.create_endpoint_health() returns trigger language plpgsql as $$
begin
  insert into signalbox.endpoint_health (endpoint_id) values (new.id) on conflict do nothing;
  return null;
end $$;
create trigger endpoints_created after insert on signalbox.endpoints
  for each row execute function signalbox.create_endpoint_health();

create table signalbox.deliveries (
  id uuid primary key,
  event_id uuid not null references signalbox.events (id),
  endpoint_id uuid not null references signalbox.endpoints (id) on delete cascade,
  status text not null default 'pending' check (status in ('pending', 'running', 'succeeded', 'failed', 'skipped')),
  group_key text,
  group_slot smallint not null default 0,
  holds_group boolean not null default false,
  available_at timestamptz not null default now(),
  held boolean not null,
  attempt integer not null default 0,
  failures integer not null default 0,
  losses integer not null default 0,
  deferrals integer not null default 0,
  max_attempts integer not null,
  owner uuid,
  attempt_started_at timestamptz,
  ends_as text check (ends_as in ('pending', 'succeeded', 'failed', 'skipped')),
  error text,
  -- The newer delivery of its group that was sent in its place.
  superseded_by uuid,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  constraint deliveries_event unique (event_id, endpoint_id)
);

create table signalbox.delivery_attempts (
  delivery_id uuid not null references signalbox.deliveries (id) on delete cascade,
  attempt integer not null,
  owner uuid not null,
  outcome text not null check (outcome in ('completed', 'failed', 'retried', 'lost', 'cancelled')),
  -- What was sent, without secrets; the body is the event's.
  request_headers json,
  peer text,
  status_code smallint,
  error text,
  response_headers json,
  response text,
  -- Milliseconds: dns, connect, tls, first_byte and total.
  timings json,
  duration_ms integer,
  started_at timestamptz not null,
  finished_at timestamptz not null,
  primary key (delivery_id, attempt)
);

-- One row per running process (a node), renewed as long as it lives. Its id owns the jobs and
-- deliveries that it runs.
create table signalbox.nodes (
  id uuid primary key,
  host text not null,
  pid integer not null,
  -- 'receiver', 'orchestrator', or both.
  roles text[] not null,
  slots integer not null default 0,
  -- The agents it has: it claims no other jobs.
  agents text[] not null default '{}',
  -- How many jobs it runs.
  running integer not null default 0,
  status text not null default 'idle' check (status in ('idle', 'running', 'draining', 'stopped')),
  -- Its program, the newest migration that this knows, and the configuration it runs by.
  version text,
  schema_version text,
  config_sha256 text,
  -- How old its heartbeat may be: as long as its leases last.
  lease_ms integer not null default 30000,
  -- When it was asked to end what it runs, and then itself.
  drain_at timestamptz,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
);

-- What is paused by a person: everything, or what follows from the events of a source. Rules and
-- endpoints have their own state. Nothing is lost: work is held until it is resumed.
create table signalbox.pauses (
  kind text not null check (kind in ('everything', 'source')),
  name text not null,
  reason text not null,
  paused_by text,
  since timestamptz not null default now(),
  primary key (kind, name),
  constraint pauses_name check ((kind = 'everything') = (name = ''))
);
create trigger pauses_changed after insert or delete on signalbox.pauses
  for each statement execute function signalbox.set_routing_version();

-- What was paused and is not any more, whatever it was and whoever resumed it, for a year: why
-- nothing happened then.
create table signalbox.past_pauses (
  kind text not null check (kind in ('everything', 'source', 'rule', 'endpoint')),
  name text not null,
  endpoint_id uuid,
  reason text not null,
  paused_by text,
  since timestamptz not null,
  until timestamptz not null default now()
);
create index past_pauses_until on signalbox.past_pauses (until);
create function signalbox.note_resumed() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  if tg_table_name = 'pauses' then
    insert into signalbox.past_pauses (kind, name, reason, paused_by, since)
    values (old.kind, old.name, old.reason, old.paused_by, old.since);
  elsif tg_table_name = 'rule_states' then
    insert into signalbox.past_pauses (kind, name, reason, paused_by, since)
    values ('rule', old.rule, old.reason, old.paused_by, old.paused_at);
  else
    insert into signalbox.past_pauses (kind, name, endpoint_id, reason, since)
    values ('endpoint', old.name, old.id, coalesce(old.status_reason, 'By hand.'), old.status_since);
  end if;
  delete from signalbox.past_pauses where until < now() - interval '1 year';
  return null;
end $$;
create trigger pauses_over after delete on signalbox.pauses
  for each row execute function signalbox.note_resumed();
create trigger rule_states_resumed after update on signalbox.rule_states
  for each row when (old.paused_at is not null and new.paused_at is null) execute function signalbox.note_resumed();
create trigger endpoints_resumed after update of status on signalbox.endpoints
  for each row when (old.status = 'paused' and new.status <> 'paused') execute function signalbox.note_resumed();
create trigger endpoints_paused_deleted after delete on signalbox.endpoints
  for each row when (old.status = 'paused') execute function signalbox.note_resumed();

-- Whether anything may be begun, for a claim. Claims share a lock that a pause of everything has
-- alone, so that none that is under way begins something after the pause; by itself a statement
-- would not see what was committed while it waits.
create function signalbox.may_begin() returns boolean language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(1463897429, 1);
  return not exists (select from signalbox.pauses where kind = 'everything');
end $$;

-- Whether a row is held, where whoever inserts it does not know, and of one that is begun again.
-- With the lock of signalbox.lock_routing, so that a pause finds it or it finds the pause.
create function signalbox.set_held() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock_shared(1463897429, 0);
  new.held := exists (
    select from signalbox.pauses p join signalbox.events e on e.source = p.name
    where e.id = new.event_id and p.kind = 'source');
  return new;
end $$;
create trigger jobs_held_new before insert on signalbox.jobs
  for each row when (new.held is null) execute function signalbox.set_held();
create trigger jobs_held_again before update of status on signalbox.jobs
  for each row when (new.status = 'pending' and old.status in ('completed', 'failed', 'cancelled'))
  execute function signalbox.set_held();
create trigger deliveries_held_new before insert on signalbox.deliveries
  for each row when (new.held is null) execute function signalbox.set_held();
create trigger deliveries_held_again before update of status on signalbox.deliveries
  for each row when (new.status = 'pending' and old.status in ('succeeded', 'failed', 'skipped'))
  execute function signalbox.set_held();

-- What each index of jobs is for:
-- claim: due rows, one priority at a time from the top, so that no delayed ones are passed over,
-- nor held ones.
create index jobs_claim on signalbox.jobs (held, priority, available_at) where status in ('pending', 'waiting');
-- held: what a pause of a source holds, and the first of it.
create index jobs_held on signalbox.jobs (available_at) where held;
-- lease: the running rows; the first to expire.
create index jobs_lease on signalbox.jobs (available_at) where status = 'running';
-- group: the guarantee that no slot of a group is taken twice.
create unique index jobs_group on signalbox.jobs (group_key, group_slot)
  where status = 'running' and group_key is not null;
-- waiting: groups kept by a row that waits for its next attempt. In words that no other index has,
-- because the planner would rather read the one of all that wait.
create index jobs_waiting on signalbox.jobs (group_key)
  where (status = 'pending' and holds_group and attempt > 0) is true and group_key is not null;
-- created: lists, newest first (ids of jobs are hashes and have no order).
create index jobs_created on signalbox.jobs (created_at desc, id desc);
-- unsuccessful: lists of one rare status. Lists of the others use the indexes above.
create index jobs_unsuccessful on signalbox.jobs (status, created_at desc, id desc)
  where status in ('failed', 'cancelled', 'waiting');
-- event: the jobs of one event, and the foreign key.
create index jobs_event on signalbox.jobs (event_id);
-- newest: of a rule and group the jobs that have ended and those that have not, by their events.
create index jobs_newest on signalbox.jobs (rule, group_key, (finished_at is null), event_at, event_id)
  where mode = 'latest';
-- newest_of_group: the same of a group alone, by whole seconds.
create index jobs_newest_of_group on signalbox.jobs
  (group_key, (finished_at is null), date_bin('1 second', event_at, '1970-01-01 00:00:00+00'), event_id)
  where mode = 'next';
-- debounced: of a rule and group the first event that a job has waited for which has not begun.
create index jobs_debounced on signalbox.jobs (rule, group_key, debounced_since)
  where mode = 'latest' and status = 'pending' and started_at is null and debounced_since is not null;
-- only: the guarantee that a job is skipped while another of its rule and group has not ended.
create unique index jobs_only on signalbox.jobs (rule, group_key) where mode = 'skip' and finished_at is null;
-- unreported: the ends by hand that no event says yet.
create index jobs_unreported on signalbox.jobs (id) where unreported;
-- settles: the jobs that write what is left to say of one.
create index jobs_settles on signalbox.jobs (settles) where settles is not null;
-- ceiling: how many jobs a rule has made for a subject.
create index jobs_ceiling on signalbox.jobs (rule, ceiling_subject, created_at) where ceiling_subject is not null;

-- The same for deliveries. `deliveries_event` lists all of them, newest first, and those of one
-- event: ids of events are ordered by time. `deliveries_endpoint` lists those of one endpoint, and
-- serves the foreign key.
-- Each endpoint's are found apart, and of each group of an endpoint the first.
create index deliveries_claim on signalbox.deliveries (endpoint_id, coalesce(group_key, ''), available_at)
  where status = 'pending' and not held;
create index deliveries_held on signalbox.deliveries (available_at) where held;
create index deliveries_lease on signalbox.deliveries (available_at) where status = 'running';
create unique index deliveries_group on signalbox.deliveries (group_key, group_slot)
  where status = 'running' and group_key is not null;
create index deliveries_waiting on signalbox.deliveries (group_key)
  where status = 'pending' and holds_group and attempt > 0 and group_key is not null;
create index deliveries_endpoint on signalbox.deliveries (endpoint_id, event_id desc);
create index deliveries_unsuccessful on signalbox.deliveries (status, event_id desc, endpoint_id desc)
  where status in ('failed', 'skipped');

-- A person may end or reset a row ("end them by hand" in docs/operations.md), and the queue cancels
-- one. A running row stays its worker's, and keeps its group, until the worker has let go of it, or
-- its lease ends: `ends_as` says what it becomes then, and the workers are notified. Other
-- statements of the queue clear `owner` and set `finished_at` themselves, so that this does not run
-- for them.
create function signalbox.end_by_hand() returns trigger language plpgsql as $$
begin
  if old.status = 'running' and old.owner is not null then
    new.ends_as := new.status;
    new.status := 'running';
    new.owner := old.owner;
    new.available_at := old.available_at;
    new.finished_at := null;
    perform pg_notify('signalbox_ended', '');
  elsif new.status not in ('pending', 'waiting') then
    new.finished_at := coalesce(new.finished_at, now());
  end if;
  return new;
end $$;
create trigger jobs_ended before update of status on signalbox.jobs
  for each row when (new.status <> 'running' and (new.owner is not null
    or new.status in ('completed', 'failed', 'cancelled') and new.finished_at is null))
  execute function signalbox.end_by_hand();
create trigger deliveries_ended before update of status on signalbox.deliveries
  for each row when (new.status <> 'running' and (new.owner is not null
    or new.status in ('succeeded', 'failed', 'skipped') and new.finished_at is null))
  execute function signalbox.end_by_hand();

-- A job that did not run is ended by nobody who could record its event: the next orchestrator does.
create function signalbox.note_unreported() returns trigger language plpgsql as $$
begin
  new.unreported := true;
  new.finished_at := coalesce(new.finished_at, now());
  perform pg_notify('signalbox_ended', '');
  return new;
end $$;
create trigger jobs_unreported before update of status on signalbox.jobs
  for each row when (old.status in ('pending', 'waiting') and new.status in ('completed', 'failed'))
  execute function signalbox.note_unreported();

-- Whoever ends a job without completing it, by SQL too: a job is made in the same transaction that
-- writes the outputs for that case, but for those that the job has returned and written already.
-- It is called off when the job is begun again. With the rights of its owner, so that a role that
-- may end jobs needs no others.
create function signalbox.settle_outputs() returns trigger language plpgsql
  security definer set search_path = pg_catalog, pg_temp as $$
declare
  settling uuid := gen_random_uuid();
  at timestamptz := coalesce(new.finished_at, now());
begin
  if new.status not in ('failed', 'cancelled') then
    update signalbox.jobs set status = 'cancelled', error = 'The job was begun again.'
    where settles = new.id and finished_at is null;
    return null;
  end if;
  with wanted as (
    select position, kind, repository, name, key, body from signalbox.outputs o
    where job_id = new.id and status = 'otherwise' and not exists (
      select from signalbox.outputs later
      where later.job_id = new.id and later.early is null and later.status in ('published', 'staged')
        and later.position > o.position
        and (later.kind, later.repository, later.key) = (o.kind, o.repository, o.key))
  ), made as (
    insert into signalbox.jobs (id, event_id, rule, type, agent, input, policy, priority, max_attempts, time_limit_ms,
      available_at, created_at, event_at, settles, ran_at)
    select settling, new.event_id, new.rule, 'settle', 'settle', json_build_object('job', new.id, 'status', new.status),
      new.policy, new.priority, 10, 600000, at, at, new.event_at, new.id, at
    where exists (select from wanted)
  )
  insert into signalbox.outputs (id, job_id, position, kind, repository, name, key, body, created_at)
  select gen_random_uuid(), settling, row_number() over (order by position) - 1, kind, repository, name, key, body, at
  from wanted;
  if not found then
    return null;
  end if;
  perform pg_notify('signalbox', 'jobs');
  return null;
end $$;
create trigger jobs_settled after update of status on signalbox.jobs
  for each row when (old.status <> new.status
    and (new.status in ('failed', 'cancelled') or old.status in ('failed', 'cancelled')))
  execute function signalbox.settle_outputs();

-- What an event says, for SQL to look into: the stored payload, else the body. Null where that is
-- not JSON, or JSON that jsonb cannot store (\u0000).
create function signalbox.event_payload(payload json, body bytea) returns jsonb language plpgsql immutable as $$
begin
  return coalesce(payload::jsonb, convert_from(body, 'UTF8')::jsonb);
exception when others then
  return null;
end $$;

-- What is known of each webhook at a forge that keeps what it sent (src/gaps); `hook` is its path
-- there, or where one was looked for in vain, and `problem` why the last look found too little.
-- Whoever looks has the lease, so that one process does it at a time.
create table signalbox.hook_cursors (
  hook text primary key,
  -- What was sent before this does not concern this server.
  seen_from timestamptz,
  -- The newest attempt of the last complete look, by the forge's clock, and when that look was.
  seen_until timestamptz,
  looked_at timestamptz,
  problem text,
  owner uuid,
  leased_until timestamptz
);

-- Times in which webhooks did not arrive, found by looking: from the first that was missed to the
-- last one. With a `reason` nothing is known of what was sent then.
create table signalbox.gaps (
  id uuid primary key,
  hook text not null,
  began_at timestamptz not null,
  ended_at timestamptz not null,
  reason text,
  found_at timestamptz not null default now()
);

-- What was missed, and what became of it: `recovered` (fetched), `arrived` (redelivered meanwhile),
-- `lost` for a reason, or `pending`.
create table signalbox.gap_deliveries (
  hook text not null,
  guid text not null,
  gap_id uuid not null references signalbox.gaps (id) on delete cascade,
  type text not null,
  sent_at timestamptz not null,
  -- What the forge was answered.
  status integer not null,
  outcome text not null check (outcome in ('recovered', 'arrived', 'lost', 'pending')),
  reason text,
  -- Its event, which may have been removed since.
  event_id uuid,
  primary key (hook, guid)
);
-- gaps_found: the list of gaps. gap_deliveries_gap: what one consists of.
create index gaps_found on signalbox.gaps (found_at desc, id desc);
create index gap_deliveries_gap on signalbox.gap_deliveries (gap_id, sent_at);

-- Events of other programs on this database, until they are recorded (src/events/outbox.ts): a row
-- commits with what the program does itself. `position` is the order in which they were emitted.
-- Rows come and go, so it is vacuumed by their number, whatever its size.
create table signalbox.outbox (
  position bigint generated always as identity primary key,
  -- That of the event, or of the deployment.
  id uuid not null,
  type text not null,
  payload json not null
    constraint outbox_payload_of_at_most_2_mb check (octet_length(payload::text) <= 2000000),
  idempotency_key text unique
    constraint outbox_idempotency_key_of_1_to_255_visible_ascii check (idempotency_key ~ '^[\x21-\x7e]{1,255}$'),
  project text,
  app text,
  environment text,
  subject text,
  created_at timestamptz not null default now()
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Emits an event in the caller's transaction; returns its id, or with an idempotency key that was
-- used before the id from then. It runs with the rights of its owner, so that a role needs no other
-- right than to call it.
create function signalbox.emit(type text, payload json, idempotency_key text default null, project text default null,
  app text default null, environment text default null, subject text default null)
returns uuid language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  us bigint := extract(epoch from clock_timestamp()) * 1000000;
  -- A UUIDv7: milliseconds, the part of one in 4096ths, and random bits.
  new_id uuid := lpad(to_hex(us / 1000), 12, '0') || '7' || lpad(to_hex(us % 1000 * 4096 / 1000), 3, '0')
    || right(replace(gen_random_uuid()::text, '-', ''), 16);
  first_id uuid;
  is_inserted boolean := false;
begin
  -- A transaction that notifies holds a lock of the whole server while it commits. Where a row
  -- waits already, whoever takes it looks again by itself.
  if not exists (select from signalbox.outbox) then
    perform pg_notify('signalbox', 'outbox');
  end if;
  -- Again when another transaction has just used the key, and its row was taken already; and once
  -- more with a row of its own, because what that has waited for may have been recorded meanwhile.
  loop
    if emit.idempotency_key is not null then
      select id into first_id from signalbox.outbox o
      where o.idempotency_key = emit.idempotency_key and o.id <> new_id
      union all
      select id from signalbox.deployments d
      where emit.type = 'environment.deployed' and d.idempotency_key = emit.idempotency_key
      union all
      select id from signalbox.events e where e.source = 'outbox' and e.delivery_id = emit.idempotency_key
      limit 1;
    end if;
    if first_id is not null then
      if is_inserted then
        delete from signalbox.outbox o where o.id = new_id;
      end if;
      return first_id;
    end if;
    if is_inserted then
      return new_id;
    end if;
    insert into signalbox.outbox (id, type, payload, idempotency_key, project, app, environment, subject)
    values (new_id, emit.type, emit.payload, emit.idempotency_key, emit.project, emit.app, emit.environment,
      emit.subject)
    on conflict do nothing;
    is_inserted := found;
  end loop;
end $$;
revoke all on function signalbox.emit from public;

-- What a job is about, for SQL to look into: the type and the facts of its event, and the input of
-- its agent; without an event the input alone. Null where that is JSON that jsonb cannot store
-- (\u0000): an operator would fail on such a row of json, and with it the whole query.
create function signalbox.job_payload(type text, delivery_id text, facts json, input json)
returns jsonb language plpgsql immutable as $$
begin
  if type is null then
    return input::jsonb;
  end if;
  return jsonb_build_object('event', type, 'delivery_id', delivery_id) || facts::jsonb
    || jsonb_build_object('input', input::jsonb);
exception when others then
  return null;
end $$;

-- The payload of a job asked for by hand is what was given. Events are read here and not in the
-- function, so that who may read the view needs no other right.
create view public.agent_jobs as
  select id, type as job_type,
         coalesce(
           (select signalbox.job_payload(e.type, e.delivery_id, e.facts, jobs.input)
            from signalbox.events e where e.id = jobs.event_id and jobs.rule <> 'manual'),
           signalbox.job_payload(null, null, null, input)) as payload,
         priority, status, created_at, started_at, finished_at as completed_at, error, agent as assigned_agent
  from signalbox.jobs;

create view public.webhook_events as
  select id, source, type as event_type, signalbox.event_payload(payload, coalesce(body, packed)) as payload,
         status = 'routed' as processed, received_at
  from signalbox.events
  union all
  select id, 'orchestrator', 'heartbeat',
         jsonb_build_object('host', host, 'pid', pid, 'status', status, 'running', running, 'slots', slots),
         true, heartbeat_at
  from signalbox.nodes where 'orchestrator' = any(roles);

-- Raw bodies of 5–30 kB: lz4 in the column where the server has it. ARCHITECTURE.md shows what was
-- measured. Elsewhere most of those that were packed are stored with the row, two in a page: out of
-- line they are cut in pieces of 2 kB, of which a page has four, however full.
do $$ begin
  alter table signalbox.events alter column body set compression lz4;
exception when feature_not_supported then
  alter table signalbox.events alter column body set storage external;
  alter table signalbox.events set (toast_tuple_target = 4080);
end $$;

-- Large tables whose rows change are vacuumed by the number of dead rows, and not by a fifth of
-- the table, which is a day's work in one with a million rows. No space is left in pages for new
-- versions (fillfactor): every update of a job or delivery changes what an index is over.
alter table signalbox.jobs set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
alter table signalbox.deliveries set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
-- Of events, what is packed or deleted leaves its place for new ones, once it was vacuumed: bodies
-- are in rows of 2 kB of a table of their own (toast).
alter table signalbox.events set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
  toast.autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_threshold = 20000);

-- Supabase grants new tables and views of `public` to its API roles, which must not read these.
do $$ declare api_role text; begin
  for api_role in select rolname from pg_roles where rolname in ('anon', 'authenticated') loop
    execute format('revoke all on public.agent_jobs, public.webhook_events from %I', api_role);
  end loop;
end $$;
