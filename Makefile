# The user interface of Teal. No logic here: each target is a command with --help of its own,
# for example: python3 -m teal chaos --help

TEAL := @python3 -m teal
# Those for who works on Teal itself.
TOOLS := @python3 -m tools

# What stands on the command line of make, and nothing else: a MODE or JSON that a shell exports for
# other programs changes no command here.
given = $(if $(filter command,$(firstword $(origin $(1)))),$($(1)))
# As one word of a shell command, whatever is in it.
quoted = '$(subst ','\'',$(call given,$(1)))'
# An option with its value, or nothing.
option = $(if $(call given,$(1)),$(2) $(call quoted,$(1)))

.DEFAULT_GOAL := help
.PHONY: help up down status logs switch chaos drills latency load query silence maintenance slack-test \
	restart reload clean check test test-long torture mutate bench dashboards docs lock screenshot

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## start everything, or what .env changed, no request lost; PULL=1 looks for newer images
	$(TEAL) up $(if $(filter-out 0,$(call given,PULL)),--pull)

chaos: ## break the active pool and judge what happens, MODE=error|timeout|crash|disconnect|latency
	$(TEAL) chaos $(if $(call given,MODE),$(call quoted,MODE))

status: ## pools, releases, health, errors, alerts; JSON=1 for programs
	$(TEAL) status $(if $(filter-out 0,$(call given,JSON)),--json)

logs: ## nginx's routing and the exporter's log, readable; FOLLOW=0 only old lines, PART=nginx its own
	$(TEAL) logs $(call option,PART,--part) $(if $(filter 0,$(call given,FOLLOW)),--no-follow)

switch: ## make the other pool the desired one, POOL=green; no request is lost
	$(TEAL) switch $(if $(call given,POOL),$(call quoted,POOL))

drills: ## every fault and what it must tell, half an hour; ONLY='pool killed' for one, TIMES=3
	$(TEAL) drills $(call option,ONLY,--only) $(call option,TIMES,--times)

latency: ## the time from a fault to its message over many failovers, RUNS=20
	$(TEAL) latency $(call option,RUNS,--runs)

load: ## send demo traffic, SECONDS=30 RATE=20
	$(TEAL) load $(call option,SECONDS,--seconds) $(call option,RATE,--rate)

query: ## ask Prometheus, Q='nginxlog_active_pool'
	$(TEAL) query $(call quoted,Q)

silence: ## silence one alert, ALERT=StandbyPoolDown FOR=30m WHY='new disk'
	$(TEAL) silence $(call quoted,ALERT) $(call option,FOR,--for) --why $(call quoted,WHY)

maintenance: ## plan a quiet time, FOR=30m WHY='new disk'; END=1 ends it
	$(TEAL) maintenance $(if $(filter-out 0,$(call given,END)),--end) $(call option,FOR,--for) \
		$(call option,WHY,--why)

slack-test: ## send a test message the whole way, and say whether Slack took it
	$(TEAL) slack-test

restart: ## restart one part that watches, PART=exporter; users notice nothing
	$(TEAL) restart $(call quoted,PART)

reload: ## have changed limits, rules, routes and messages take effect
	$(TEAL) reload

down: ## stop everything; logs, metrics and messages stay
	$(TEAL) down

clean: ## back to nothing: containers, volumes, logs, state, downloads
	$(TEAL) clean

check: ## lint, types, nginx -t, promtool, amtool, compose config
	$(TOOLS) check

test: ## what every change must pass, 20 minutes; TESTS='tests/exporter -k rotation' for some
	$(TOOLS) test $(call given,TESTS)

test-long: ## the long rest, part by part; PART=containers for one, CHANGED=1 for what changed, MINUTES=30
	$(TOOLS) test-long $(if $(call given,PART),$(call quoted,PART)) $(call option,MINUTES,--minutes) \
		$(if $(filter-out 0,$(call given,CHANGED)),--changed)

torture: ## kill the exporter while its log is written and rotated, KILLS=200; SEED=7 repeats a run
	$(TOOLS) torture $(call option,KILLS,--kills) $(call option,SEED,--seed)

mutate: ## change each threshold, window, operator and `for` of the rules: a test must notice
	$(TOOLS) mutate $(call given,RULES)

bench: ## the exporter against mtail and goaccess, BENCH='--runs 3' or '--load' for the running one
	$(TOOLS) bench $(call given,BENCH)

dashboards: ## write grafana/dashboards/ from its Python source
	$(TOOLS) dashboards

docs: ## write docs/metrics.md from the exporter's code
	$(TOOLS) docs

lock: ## write the lock files of the Python packages anew
	$(TOOLS) lock

screenshot: ## take the pictures of the README anew
	$(TOOLS) screenshot
