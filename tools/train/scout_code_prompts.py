# SPDX-License-Identifier: MIT
"""What people ask who want code or help with it: patterns, one a line, by kind (scout_prompts.py fills them).

{slot} is filled from scout_slots.py, {one/other/} is a choice, \\n a line break."""

PATTERNS = {
    "make": r"""
{write/make/create/build/generate/code/give me/i need/produce} a {small/simple/quick/minimal/} {lang} {script/program/tool/function/class/module} {that/which/to} {task}
{write/make/implement/code up} {task} in {lang}
{write/give me/show me} {a/one} {lang} one-liner {that/which} {task}
{write/create/design/give me} a {function/method/routine/procedure/subroutine} {called/named} {ident} that {task}
{write/define/create} a {lang} {function/lambda/decorator/generator/macro} to {verb} {codeobject}
{verb} {codeobject}
{verb} {codeobject} in {lang}
{verb} {codeobject} using {lib}
{verb} {codeobject} without {a loop/recursion/using libraries/regex/eval}
{build/create/make/scaffold/prototype} {app} {with/using/in} {lib}
{build/create/make/code/program} {app} in {lang}
{build/create/make/code/program} {app}
can you {build/make/code/write} me {app}{/ please/?/ in one file/ with html and javascript}
let's {build/write/make/code} {app} {together/step by step/from scratch/in one file}
I want to {build/make/write/code/program/develop} {app}{./ and don't know which stack to use./ with {lib}./, where do I start?}
help me {build/write/code/set up/design} {app}{/ with {lib}/ in {lang}/ for my portfolio}
{write/add/generate/create} {unit tests/integration tests/tests/a test suite/a mock} for {component}
{write/create/make/need} a {Dockerfile/docker-compose file/Makefile/CMakeLists.txt/GitHub Actions workflow/Jenkinsfile/systemd unit/nginx config/helm chart/terraform module/.gitignore/package.json/tsconfig/webpack config/ansible playbook/bash alias/git hook/crontab entry/shell function} {for/that handles/for a project with} {component}
{regex/regexp/regular expression/a regex} {to match/that matches/for/to find/to extract/validating} {pattern}
{make/write/need} an excel formula {that/to/which} {sums column B if column A says paid/looks up a name in another sheet/takes the text after the comma/counts unique values/rounds to the nearest 5/turns text into a date}
{google sheets script/VBA macro/excel macro/apps script/powershell script/batch file/applescript} {to/that will/for} {verb} {codeobject}
sql {query/statement} {to get/for/that returns/listing} {sqlgoal}
{write/give me/what is/help with} {a/an/the} {sql/mysql/postgres/sqlite} query {to get/for/that returns/listing} {sqlgoal}
{create/write/design} {the tables/a schema/a data model/an ER diagram/migrations} for {app}
implement {algorithm} {in {lang}/from scratch/recursively/iteratively/with comments/with O(n) memory}
{lang} implementation of {algorithm}
{code/program/pseudo-code/pseudocode/flowchart code} for {algorithm}
{write/give} pseudocode for {algorithm}
{simulate/visualise/plot/animate/model} {a bouncing ball/the game of life/a queue at a bank/a random walk/planet orbits/a sine wave/traffic lights} {in/using/with} {lang}
{scrape/crawl/download/fetch} {product prices/all images/headlines/job offers/weather data} from {a website/a page/an API} {using/with} {lib}
{make/create/write} a {discord/telegram/slack/twitter/whatsapp/reddit} bot {that/which} {task}
{landing page/html page/login form/navbar/signup page/contact form/pricing page/photo gallery} {with/in/using} {tailwind/bootstrap/plain css/html and css/react/vue}
{a/one/simple} {web server/chat server/echo server/REST API/GraphQL API/CLI tool/GUI/parser/tokenizer/interpreter/compiler/scheduler/load balancer} in {lang}{/ please/, no dependencies/ with tests}
{use/using} {lang}, {verb} {codeobject}
in {lang}, {write a function that/how would you/show how to} {task2}
You are {an expert/a senior/an experienced/a} {lang} {developer/programmer/engineer}. {Write a program that/Write code that/Help me to} {task2}.
Act as a {senior developer/code reviewer/linux terminal/database administrator/{lang} interpreter/devops engineer/software architect/security engineer}. {I will paste code and you/My first command is pwd./I type commands and you/First:} {reply with the output/find the bugs/answer with code only/review my pull request}.
{extend/modify/change/update} {the/this/my} {script/program/function/code/class/query} {so that it/to/such that it} {task}
{convert/translate/port/rewrite/migrate} {this/the following/my/the} {code/function/script/class/project/query} {from {lang} to {lang}/to {lang}/into {lang}}
{convert/translate} this {python/java/javascript/c++/sql/bash/pandas} {code /}to {lang}
{add/insert/put} {type hints/docstrings/comments/logging/error handling/input validation/pagination/caching/a progress bar/dark mode/a retry/rate limiting/authentication} to {this/my/the} {code/function/app/script/API/endpoint/page}
{solve/do/explain} {leetcode/hackerrank/codewars/advent of code} {problem/day/question/kata} {number} {in {lang}/}
""",
    "howto": r"""
how {do i/do you/to/can i/would i/should i} {verb} {codeobject}{/?}
how {do i/do you/to/can i/would i/should i} {verb} {codeobject} in {lang}{/?}
how {do i/do you/to/can i/would i} {verb} {codeobject} {with/using} {lib}{/?}
{lang} {verb} {codeobject}
{lib} {verb} {codeobject}
{lang}: {verb} {codeobject}
{best way/fastest way/easiest way/right way/idiomatic way/cleanest way/pythonic way/proper way} to {verb} {codeobject}{/?/ in {lang}}
is there {a way/any way/a function/a command/a library/a built-in} to {verb} {codeobject}{/?/ in {lang}}
{is it possible/is it safe/is it ok/is it bad practice} to {verb} {codeobject}{/?/ in {lang}/ in production}
can {you/i/we} {verb} {codeobject} {in one line/with a regex/in place/at compile time/without a loop/from the command line/asynchronously}?
what's the {command/syntax/function/method/flag/option/shortcut} {to/for} {verb} {codeobject}
what {command/function/method/library/package/module} {should i use/do i need/is used/lets me} to {verb} {codeobject}
{linux/bash/git/vim/docker/windows/mac/tmux/ssh/kubectl/npm/pip} {command/shortcut/option/how} to {shelltask}
how {do i/to/can i} {shelltask}{/?/ on linux/ in bash/ on a mac/ from the terminal/ on ubuntu/ in powershell}
{shelltask}
{shelltask} {on linux/in bash/from the terminal/with one command/recursively}
command {to/for} {shelltask}
{git/vim/tmux/awk/sed/grep/find/curl/tar/rsync/jq/xargs/ssh/chmod/systemctl/ffmpeg/docker/kubectl} {explained/cheat sheet/basics/tutorial/example/examples/options/syntax/one liner/not working}
{awk/sed/grep/cut/perl} {print/remove/replace/match} {third column/every second line/lines between two patterns/trailing whitespace/the last field/duplicate lines/everything after a colon}
{what does/explain} `{snippet}` {do/mean/do exactly}{/?}
{what does/explain} {snippet} {do/mean/do exactly/actually do}{/?}
{snippet}
{snippet}{ what does this do/ explain/ doesnt work/ why/ is this safe?/ meaning}
what's the difference between {concept} and {concept}{/?/ in {lang}}
difference between {concept} and {concept}
{concept} vs {concept}
{when/why} {should i/would you/do people} use {concept} {instead of/rather than/over} {concept}{/?}
{explain/what is/what are/define/describe} {concept} {in {lang}/to a junior developer/with an example/with code/in programming}
{how do/how does} {concept} work{/?/ in {lang}/ under the hood/ internally}
i {don't/do not/still don't} {understand/get} {concept}{/ at all/ in {lang}/, can you show an example?/. Why would I need it?}
why {are/is} {concept} {considered bad/so slow/not thread safe/needed/better} in {lang}?
{how do i/how to/help me} {install/set up/configure/upgrade/uninstall/deploy/update} {lib}{/ on ubuntu/ on windows/ on a mac/ behind a proxy/ without root/?}
{how should i/what is a good way to/how would you} {structure/organise/organize/version/deploy/test/document/monitor/scale/secure} {component}{/?}
{what is/whats} the {time complexity/space complexity/big O/worst case/running time} of {algorithm}{/?}
explain {algorithm} {with code/step by step/and its complexity/with an example in {lang}}
which {lang/database/framework/library/language/orm/queue/hosting/cms/ide/editor/linter} {should i use/is best/would you recommend/is better} for {app}?
what {data structure/design pattern/algorithm/protocol/database} {should i use/fits/is best} for {a cache/autocomplete/an undo history/a leaderboard/a rate limiter/a job queue/a chat/a priority queue/full text search}?
should i learn {lang} or {lang} {first/in 2024/for games/for web development/for data science/for embedded}?
{is/are} {lang} {strongly typed/compiled or interpreted/pass by reference/faster than {lang}/garbage collected/thread safe/dead}?
how {would you/do i} store {money/passwords/dates/images/a tree/user settings/sessions/timezones} in {a database/postgres/redis/mongodb/sqlite/a cookie}?
{interview question/coding interview/whiteboard question}: {algorithm}
""",
    "trouble": r"""
{errorline}
{errorline}\n{what does this mean/how do i fix this/any idea?/help/why?/what's wrong}
{getting/i get/i keep getting/it says/I'm seeing/we get/build fails with/crashes with} {errorline}
{fix/solve/explain/what causes/how to fix/what is/meaning of} {errorline}
{errorline} {when/while/after/on} {running npm install/importing pandas/building the project/opening the file/pushing to git/upgrading/calling the API/starting the container/compiling}
why {is/does} my {component} {so slow/not updating/not working/return none/return undefined/crash/hang/fail silently/run twice/leak memory/use 100% cpu/time out/print nothing/render twice/ignore the first argument}{/?}
my {component} {is slow/is not updating/doesn't work/returns none/returns undefined/crashes/hangs/fails/runs twice/leaks memory/won't start/keeps restarting/won't compile/throws}{/ and I have no idea why/, what should i check?/ since the last update/ only in production/. Any ideas?/ when i {verb} {codeobject}}
the {component} {is slow/is not updating/doesn't work/returns null/crashes/hangs/fails/works locally but not on the server/only fails in CI/never finishes}{/, why?/ and i cant find the bug/ after the upgrade/ under load}
my {code/script/program/query/loop/function/test/build/app/regex/container/page} {gives the wrong answer/doesn't compile/skips every second item/never ends/is too slow/prints twice/fails on empty input/crashes on large files/stopped working}
{what's wrong with/whats wrong with/find the bug in/why doesn't this work/can you debug/check/fix/correct} my {code/loop/query/function/regex/css/makefile/script/program}{/?}
{code/script/program/it} {works in/runs in} {chrome but not in safari/debug but not in release/the terminal but not in cron/python 2 but not in python 3/the repl but not as a script/postman but not in the browser}
{lib} {not working/is broken/won't install/does not find {concept}/gives a blank page/hangs/times out/cannot connect}{/ after update/ on windows/ in docker/ anymore}
{can't/cannot/unable to/failed to/trouble trying to/problem trying to/having trouble trying to} {verb} {codeobject}{/ in {lang}/ using {lib}}
{trouble/problem/problems/issue/issues/question/beginner question} {with/about/regarding} {concept} {in {lang}/with {lib}/}
{css/html/div/flexbox/navbar/image/button/table/modal/footer} {not centered/overlaps the text/not responsive/disappears on mobile/too wide/not aligned/not clickable}
how {do i/can i/to} {debug/profile/trace/find/reproduce/track down} {a memory leak/a segfault/a race condition/a slow query/a deadlock/a failing test/a flaky test/undefined behaviour/high cpu usage/a core dump}{/ in {lang}/?}
{undo/revert/amend/squash/cherry-pick/rebase/merge/stash/push/force push} {last commit/my last three commits/a commit that was pushed/the wrong branch/one file only/after a detached head/without losing changes}
{merge conflict/detached head/rejected push/large file/lost commit/wrong author/submodule problem} {in git/git/on github/help}
""",
    "story": r"""
{I am/I'm/i am/im/we are/We're} {trying to/attempting to/looking to/looking for a way to/struggling to/unable to/using {lib} to/writing a {lang} program to/learning {lang} and trying to} {verb} {codeobject}{./ but it fails./. Here is what I have so far./. How would I do that?/ but {errorline}/ and I wonder what the best way is./, how?}
{I have/I've got/Suppose I have/Say I have/Given/We have} {codedata}{. How can I/ and I want to/. I need to/. I would like to/ and would like to/. Is there a way to} {verb} {codeobject}{?/./ without a loop?/ in {lang}?}
{I have/I've got/There is/We have} {codedata} {and/but} {it is too slow/the output is wrong/I get {errorline}/the result is empty/the order is not kept/it only works once}.
I {wrote/made/have written/tried} {a script/some code/a function/this code/a query/a class} {to/that should/which is supposed to} {verb} {codeobject}{. It does not work./ but nothing happens./ and it {crashes/hangs/returns nothing}./. What am I missing?/. Could you review it?}
{I want to/I need to/I'd like to/i want to/i need to/we need to/I must} {verb} {codeobject}{/ in {lang}/ with {lib}/. How?/ but don't know how/ every night/ from a {lang} script}
{In/With/Using} {lang} {I want to/I need to/how can I/how do I/is it possible to} {verb} {codeobject}{?/.}
{I'm new to/I am new to/I just started with/I'm learning/I come from {lang} and now use} {lang}{. How do I/ and I want to/ and cannot figure out how to/. Can you explain how to} {verb} {codeobject}?
{I'm using/I am using/We use/i use/I am working with/I'm working on a project with} {lib} {and/to} {verb} {codeobject}{./, but the result is empty./. Sometimes it fails with {errorline}./. Is that the right approach?}
{I inherited/I've inherited/I took over/I maintain/We maintain} {a huge/an old/a legacy/a messy/an undocumented} {lang} {codebase/project/script/app/monolith}{. Where would you start?/ without any tests./ and need to move it to {lang}./. How do I refactor it safely?}
{I'm currently/Currently I'm/At the moment I am/I've been/So I'm/We've been/My team is} {working with/using/building with/playing with/stuck on/migrating/debugging/evaluating} {{lib}/{techthing} in {lib}/{techthing}}{. /, and /, but }{I can't find how to/I don't see how to/the docs don't say how to/I wonder how to} {verb} {codeobject}{./?}
{I see/I noticed/I read/People say/The docs say/I've seen/Everyone says} {people recommending/that many use/that I should use/that you can call/examples with} {`{ident}`/{lib}/{techthing}/{concept}}{. /, but }{what is the difference/why/it doesn't work for me/is that still true/how do I use it in {lang}}{?/}
{I would like to/I want to/I need to/I'm trying to} {upgrade/switch/move/port/inject/detect/bind/call/get started with/wire up/mock/read} {{techthing} in {lib}/from {lib} to {lib}/`{ident}` in {lang}/{techthing}}{. /, but }{it throws/nothing happens/I am not sure where to put it/the compiler complains}{./}
{Consider/Take/Look at/I have} the following {code/table/class/struct/function/component/query/loop}{:\n\n/. How do I {verb} {codeobject}?\n\n/ and the output is wrong:\n\n}{code}
{In/With} {lib}{, / {number}, }{with the update/since the last release/after upgrading/out of the box/on windows}{, / }{how do I/I can't/is there a way to/you can no longer} {verb} {codeobject}{?/}
{My goal/Goal/Problem/Background/Setup/What I tried/Expected}: {{verb} {codeobject}/{task2}/{lib} on ubuntu with {lang}/a {component} that {task}}{. /\n}{It/The result} {fails/is empty/works only once/is not what I expect}{./}
{This is/Here is/Here's/Below is/That's} {my/the} {code/function/query/config/stack trace/error/class/component/schema}{, what is wrong?/. Can you improve it?/ so far/. It is too slow./:}\n\n{code}
{Can you/Could you/Would you} {review/check/improve/simplify/explain/refactor/optimise/optimize/test/document} {my/this/the following} {code/function/approach/design/class/query/script/component}{?/?\n\n{code}/: {snippet}}
The {program/function/input/code/script/method} should {take/read/accept/return/print/handle} {codedata}{./ and print the result./ and return the index./. Use {lang}./ in O(n) time.}
{For an assignment/For homework/For a project/At work/In my class} I {have to/need to/must} {write/implement/code} {algorithm} in {lang}{./ and I'm stuck./, can you help?}
""",
    "contest": r"""
You are given {an array/a list/a string/a grid/a matrix/a tree/a binary tree/a graph/two strings/an integer/two integers/n intervals/a linked list/a sequence} {of n integers/ s/ of size n x m/ with n nodes/ nums/ a of length n/ k and n}. {Return/Find/Print/Output/Determine/Count/Calculate} the {maximum/minimum/number of/length of the longest/sum of the/smallest/largest} {subarray/path/substring/pairs/operations/distance/value/steps}{./ modulo 10^9+7./ such that no two are adjacent./ that can be obtained.}
Given {an array/a list/a string/an integer/two strings/a binary tree/a matrix/a sorted array/the head of a linked list/n points/a positive integer} {nums/arr/s/n/a and b/root/of integers/of size n}, {return/find/print/determine if/count/compute/remove/check whether} {the majority element/its mirror image/all permutations/the longest increasing subsequence/duplicates in place/it is balanced/the kth largest element/all pairs with sum k/the number of islands}{./ in {lang}./ in O(log n) time./ without extra space.}
{Alice/Bob/Takahashi/Vasya/The king/A robot/A frog/There are n children/There are n cities/A company} {has n coins/plays a game on an array/starts at cell (0,0)/jumps between stones/stands in a line/are connected by m roads}. {In one move/In each step/Each second/On the i-th day/For each query} {he can/she can/you may/it} {remove any two adjacent elements/swap two characters/go up or right/choose an index i/flip a bit}. {Print/Output/Find} the {minimum number of moves/answer modulo 998244353/number of ways/final state}.\n\nInput\nThe first line contains n (1 <= n <= {number}00).
Input\nThe first line contains {one/two/three} {integer/integers} {n/n and m/t, the number of test cases}.\n\nOutput\nPrint {one integer/YES or NO/the answer for each test case}.
{Example/Sample} {1/input/output}:\nInput: {nums = [2,7,11,15], target = 9/s = "abcabcbb"/n = 5, k = 2/root = [3,9,20,null,null,15,7]}\nOutput: {[0,1]/3/true/-1}
Complete the {function/method/class/following code/missing lines/TODO}{:/ below./ so that all tests pass.}\n\n{code}
Create a class {ident} with {attributes/methods/fields} {ident} and {ident}{. Override toString./ and a constructor./ in {lang}./. Make it immutable.}
Define a {struct/class/function/type/trait/interface/record} {ident} {with/that takes/holding} {two integers/a name and a price/a list of strings/an optional callback}{/ in {lang}/ and returns a boolean}
The {table/database/schema} has {columns/tables/fields} {id, name, salary/users, orders and items/ts, sensor, value}. {Write/Give me/What is} a query {for/that returns/to get} {sqlgoal}.
CREATE TABLE {employees/orders/users} (id INT, name VARCHAR(40), {salary INT/created DATE/total DECIMAL});\n\n{how do i get/query for/select/find} {sqlgoal}
{Table/Schema/Tables}: {employees(id, name, dept, salary)/orders(id, customer_id, total)/film(id, title, year)}\n{Question: /Task: /}{sqlgoal}
What {is printed/is the output/does this print/will be the output/is logged/happens} {when this runs/of this program/here/by the following code}?\n\n{code}
{Predict/Trace/What is/Guess} the output {of:/of this code:/:}\n{code}
""",
    "title": r"""
{Using/Creating/Passing/Getting/Setting/Accessing/Deploying/Building/Mapping/Loading/Binding/Adding/Extending/Converting/Parsing/Calling/Running/Testing/Handling/Finding/Removing/Writing/Sorting/Overriding/Customising/Migrating/Making/Displaying} {techthing} {in/with/from/inside/for/to/without/using/and} {{lib}/{techthing}/{lang}/{lang} and {lib}}{/?/ - how?/ fails/ the right way}
{lib} {techthing} {not working/issue/question/error/problem/doesn't update/performance/vs {techthing}/in {lang}/is null/returns empty/example/best practices/not found/permissions/with {lib}/disappears after save/always 0/limits}
{lang} {techthing} {and/or/vs/with/in} {techthing}{/?/ question/ performance}
{How do I/How to/how can i/How should I/How would you/Can I/can you/Is it possible to/What is the best way to/Why can't I/when to} {make/get/set/add/use/create/remove/stop/allow/prevent/show/control/deploy/increase/pass/share/force/keep/integrate} {techthing} {in {lib}/from {lang}/with {lib}/when {techthing} changes/inside {techthing}/to {techthing}/programmatically/at runtime/on a remote server/without restarting}{?/}
{Issue/Issues/Problem/Trouble/Errors/Question/Access denied/Exception/Crash/Strange behaviour/Weird characters/Timeout/Warning/Confusion} {with/when/about/in/after/while} {{techthing}/{lib}/deploying {lib}/using {techthing}/installing {lib}/updating {techthing}/building with {lib}/calling {techthing}}{?/ in {lang}/ on {lib}/ via network share}
{What/Which} {plugin/tool/library/editor/framework/setting/pattern/type/event/log/version/permission} {do you use/should I use/is needed/is called/would you recommend} {for/when/with} {{lib}/{techthing}/{lang} development}?
{Anyone/Has anybody/Do you/Does anyone} {used/use/have experience with/have performance problems with/know} {lib} {with/and/for/on} {{lang}/{techthing}/large projects}?
{Why/why} {does/is/do/are} {techthing} {in {lib}/in {lang}/} {slow/null/different from {techthing}/cached/called twice/empty/deprecated/so verbose/undefined/ignored}{?/}
{Get/Set/Show/Hide/Disable/Retrieve/Apply/Persist/Reorder/Redirect/Validate/Include/Store/Reset/Detect/Trigger} {techthing} {of/from/to/in/on/after/directly to} {{techthing}/{lib}}{/ in {lang}/ programmatically}
{custom/dynamic/nested/multiple/default/global/remote/generic/hidden/duplicate/missing/async} {techthing} {in/with/for} {{lib}/{lang}}{/?/ question}
Learning {lang}{: /, /. }{where to start/good books/long does it take/coming from {lang}/is it worth it}{?/}
""",
    "shell": r"""
{Find/List/Print/Show/Count/Display/Search for/Delete/Remove/Copy/Move/Archive/Compress/Change the owner of/Recursively find/Get/Locate/Touch/Save} {all/all the/the/any/every/} {shellwhat} {shellwhere}{ that / which / and }{shellcond}{./, and print their names/ and save the output to "out.txt"/ sorted by size/, one per line/ except hidden ones/ and delete them}
{Find/List/Print/Show/Delete/Remove/Copy/Archive/find/list/remove/count} {all/all the/the/} {shellwhat} {shellwhere}{/ older than {number} days/ larger than {number} MB/ with permissions 644/ owned by root/ matching "*.{ext}"}
{Print/Display/Save/Get/Show/Set/Export/Check/print/show} {the current date/the host name/the last {number} lines of "log.txt"/the IP address of eth0/the value of "$HOME"/the process id of nginx/the exit status/the disk usage of each directory/the user name/only the third column of the file/the number of cpu cores/the full path of this script/variable "$name"}{/ in variable "x"/ in hexadecimal/ every 5 seconds/ to the clipboard/ and append it to a file/ in human readable form}
{Replace/Substitute/Delete/Insert/Add/Remove/Append/Prepend} {"foo" with "bar"/all blank lines/every comma/the first line/trailing spaces/lines containing "error"/a line number/the string "http"} {in/from/to/of} {all files under "/var/www"/"file.txt"/each line of the input/every *.{ext} file/standard input/the file in place}
{Send/Kill/Start/Mount/Ping/Download/Forward/Run/Create/Unzip/Extract/Change/Rename/Split/Merge/Sync} {one ping request to/all processes of/an ssh tunnel to/"archive.tar.gz" into/"script.sh" in/a symbolic link to/the remote folder with/port 8080 to/permissions of/"{ident}.{ext}" from} {"/tmp"/the local machine/user "www-data"/"host.example.com"/the background/the current directory/every subdirectory/"/home/user"}{/ every minute/ with verbose output/ as root/ ignoring errors}
""",
    "paste": r"""
Why does this not work?\n\n{code}
{code}
What does this code print?\n\n{code}
Fix this:\n{code}
Add comments to this code.\n\n{code}
{code}\n\nWhy do I get {fault}?
Complete the function:\n\n{code}
How can I make this faster?\n```\n{code}\n```
Translate this to {lang}:\n\n{code}
I have this {lang} code:\n\n{code}\n\nIt fails with {fault}. How do I fix it?
Review this code\n{code}
Please review my pull request, the patch is below.\n{patch}
{patch}
Is this change right?\n{patch}
Explain this code step by step:\n```\n{code}\n```
{fault}\n\n{code}
write tests for\n\n{code}
{code}
{code}\n\n{why/explain/fix it/what's wrong/make it faster/convert to {lang}/add tests/refactor/whats the bug/is this ok?/how do i call this?/can you clean this up?/document this/simplify}
{explain/fix/improve/optimise/optimize/refactor/simplify/review/debug/clean up/shorten/speed up/comment/document/finish/complete/annotate/test}{:/ this/ this:/ this code:/ the following code/ pls/ please} \n{code}
{what does this do/what is this/what does this code do/why is this slow/is this thread safe/how does this work/what's wrong here/why doesn't this work/does this leak/is this vulnerable to sql injection/will this compile/can this be shorter}{/?}\n\n{code}
```\n{code}\n```\n{explain/what's wrong/make it async/write a test for it/rewrite in {lang}/why does it print nothing?}
{config}
{config}\n{add https/what does this do/why is port 80 refused/is this right?/convert it to yaml/how do i add a second service/where do i put the env variables/it does not start}
{why does/what's wrong with} this {config/yaml/dockerfile/compose file/nginx block/makefile/crontab}{/ not work}?\n{config}
{log}
{log}\n\n{what does this mean/how to fix/why/help/any ideas?/what happened}
{help/please help/help me/any idea/what now/stuck}{:/!/ with this/ -} {log}
$ {snippet}\n{log}
> {snippet}\n{errorline}
{patch}\n{write a commit message/review/does this break anything?/summarise this diff}
{write/suggest} a commit message for {this diff/these changes/my change}:\n{patch}
{turn/make/convert} this {json/xml/curl command/sql/html/csv} into {a {lang} class/a typescript interface/a requests call/a dataframe/a struct}:\n{code}
""",
    "write": r"""
Write a {lang} function that {task}.
Write a function that {task}
write a {lang} program which {task}
Can you write a script that {task} in {lang}?
Implement a class in {lang} that {task}
I need a {lang} script that {task}
Create a {lib} app that {task}
Give me an example of {construct} in {lang}
Show me how to write {construct} in {lang}
Generate {lang} code that {task}
{lang} code that {task}
Write unit tests for a function that {task}
Write a regular expression that matches {field}
Write a SQL query that lists all {field} per customer
one-liner in {lang} that {task}
Build a simple {lib} page that {task}
Design a database schema for {field}
make a website with {lib} that shows {field}
code a game of snake in {lang}
Write a Dockerfile for a {lib} service
write me a bash loop that {task}
Given an array of integers, write code that {task}.
Create an HTML page with a form for {field}
Implement quicksort in {lang}
write an algorithm that {task} in O(n) time
Convert this function from {lang} to {lang}
Port the code below to {lang}
""",
    "ask": r"""
How do I use {construct} in {lang}?
how to delete {construct}
How to merge {construct} with {lib}?
how to add {construct} in {lib}
What is the difference between {construct} and {construct} in {lang}?
Why does my {lang} code give {fault}?
Why do I get {fault} in {lang}?
why am i getting {fault}
What causes {fault} in {lang}?
What does {fault} mean?
how do i avoid {fault}
Getting {fault} when using {lib}
{fault} in {lib} after update
I get {fault} when I run my {lang} program, what is wrong?
How can I fix {fault}?
my {lib} app crashes with {fault}
{lib}: how to configure {construct}
{lang} - sort {field} by key
What does {construct} do in {lang}?
Explain {construct} in {lang} with an example
Explain what this code does
Is {lang} faster than {lang}?
what is the time complexity of a program that {task}
Best way to test {construct} with {lib}?
can I pass {construct} to a function in {lang}
How do I undo {construct} in git?
list all files larger than {number} MB in the current directory
find all lines that contain {fault} in a log with grep
rename all files in a folder to lower case
How do I install {lib} on Ubuntu?
Should I use {lib} or {lib} for an API?
Optimize this {lang} loop
Refactor this code to use {construct}
Why is my query with {construct} so slow?
debug this for me: {fault}
Help, {lib} does not see {construct}
How to speed up {lib} builds?
How do I read command line arguments in {lang}?
{lib} vs {lib}
what does git rebase do to {construct}
Cannot import {lib}, {fault}
Find the bug in this code
How do closures work in {lang}?
convert a string to a date in {lang}
select rows where a column is null in {lib}
""",
}
