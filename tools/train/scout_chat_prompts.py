# SPDX-License-Identifier: MIT
"""What people ask who want knowledge, advice, company or a text made from nothing: patterns, one a line, by kind
(scout_prompts.py fills them).

{slot} is filled from scout_chat_slots.py, {one/other/} is a choice, \\n a line break."""

PATTERNS = {
    "instruct": r"""
{Give/Provide/List/Name/Suggest/Come up with/Think of/Brainstorm/Share/Offer/Generate} {two/three/five/ten/some/a few/several/{number}} {listable}{./ please/}
{Give/Provide/Offer/Write/Produce} {me /}{an example/examples/a short explanation/a definition/an overview/a description/a brief history/a summary} of {subject}{./ in your own words./ for beginners./}
{Describe/Explain/Discuss/Outline/Explore/Examine/Illustrate/Clarify} {the role of/the importance of/the history of/the effects of/the benefits of/the process of/the concept of/the causes of/the dangers of/how} {subject}{./ in two paragraphs./ to a child./ with an analogy./}
{Compare/Contrast/Compare and contrast/Differentiate between} {subject} {and/with} {subject}{./ in a table./ in three sentences./}
{Explain/Tell me/Describe/Teach me} {why/how} {whyfact}{./}
{Name/List/Find/Give} {a/one/an example of a} {animal/country/river/fruit/film/novel/painter/sport/instrument/city/word} {that/which} {starts with the letter B/has no coast/lives in the desert/rhymes with orange/won three Oscars/is older than Rome/is played with a ball}{./}
{Suggest/Recommend/Propose/Pick/Choose} {a/an/me a/a good} {book/film/recipe/restaurant dish/hobby/podcast/present/board game/hike/name/holiday/wine/exercise/song} {for/to go with/about} {occasion}{./ and explain why./}
{Create/Design/Develop/Plan/Make/Prepare/Put together} {a/an} {weekly menu/shopping list/study plan/workout routine/travel itinerary/lesson plan/quiz/budget/marketing plan/birthday party/scavenger hunt/reading list/morning routine/playlist/fundraiser/survey/checklist/schedule/business plan/board game/character} {for/about/around} {whom}{./ on a small budget./ and explain each step./}
{Write/Create/Compose/Craft/Draft/Generate/Produce} {a/an/a short/a funny/a persuasive/a heartfelt/a 100-word} {form} {about/for/that describes/to celebrate/inspired by/from the perspective of/addressed to} {whom}{./ in the style of {person}./ that ends with a question./ using simple words./}
{Write/Compose/Create} {a sentence/two sentences/a paragraph/a haiku/a rhyme/a headline/a metaphor/a simile/a pun/a tweet/a tagline} {with the words/using the word/about/for/that contains} {topic}{./}
{Imagine/Pretend/Suppose/Assume/Think} {you are/that you are/you were/I am/we are} {role}{. /, }{Describe/describe/Write about/Tell me about/What would be in} {your day/your fears/a letter home/your advice for me/what you see}{./?}
{Rank/Order/Sort/Arrange} {the following/these} {planets by distance from the sun/numbers from small to large/events in time/animals by size/cities by population}{:/.\n\n} {things}{./}
{Classify/Categorize/Identify/Tell me/Decide} {which of these/which of the following/whether each of these/each of the following} {is/are/as} {category}{:/.\n\n/ - } {things}{./}
{Which/Which one} {of these/of the following/among these} {is/are/is not/was} {category}{: /? }{things}{?/./}
{Which/Which one} {doesn't belong/is the odd one out/is different/does not fit}{: /? }{things}{?/./}
{Find/Give/Provide/List/What are} {synonyms/antonyms/a rhyme/the plural/the opposite/the etymology/the meaning} {of/for} {the word /}{word}{./}
{Topic/Theme/Title/Subject/Genre/Word/Concept/Occasion/Character}: {topic}\n{Form/Length/Style/Audience/Tone/Words}: {number/short/children/funny}\n{Write a {form}/Give three ideas/Explain it/Tell a story}.
{Write a {form}/Explain the concept/Give an example/Define the term/Suggest an activity/Generate a title/Name the author/Tell a joke/Give advice/Make a plan/Describe the place/Brainstorm ideas/Answer the question/Give your opinion/Continue the series/Solve the riddle/Complete the sentence/Create a character} {based on the topic/for the given topic/about the following/on the given theme/related to the topic/for this occasion/with these words}{.\n\n/:\n/. }{Topic: /Theme: /Word: /Concept: /Input: /}{topic}
{Answer/Please answer/Reply to/Respond to} {this question/the following question/a trivia question/the riddle}{.\n\n/:\n/: }{Question: /Q: /}{question}
{Question/Q}: {question}{\nAnswer:/\nA:/}
{question}\n{A) yes B) no C) sometimes/A. {place} B. {place} C. {place}/(a) {number} (b) {number} (c) {number}/- {person}\n- {person}}
{True or false/Yes or no/Fact or myth}: {whyfact}{./?}
{Explain/Describe} {like/as if} {I'm five/I am 5/I was a child/to an alien/to my grandmother}{: /, }{subject}
{In your opinion/In one sentence/In a few words/In simple terms/As briefly as possible/Step by step/From a historical perspective}, {what is/explain/describe/why is} {subject}{?/./ important?}
{Complete/Finish/Continue} {the sentence/this sentence/the proverb/the story/the joke/the poem/the rhyme}: {opening}
{Turn/Make/Change} {the idea/the concept/the thought} of {topic} into {a poem/a business/a game/a slogan/a lesson/a painting/a joke}{./}
""",
    "given": r"""
{Describe/Explain/Define/Tell me about/Give facts about/Give a short history of/Write about/Introduce/Give your opinion on/Say something nice about/Tell a joke about/Explain the meaning of/Give an example of/Write a riddle about/Write a poem about/Create a quiz about/Explain the purpose of/Give three uses of/Explain how people see/Give the origin of/Explain to a child} {the/the given/the following/this} {thing/item/term/word/topic/concept/name/idea/subject/object}{.\n\n/:\n\n/:\n/.\n/: /?\n\n}{/Topic: /Input: /Word: /Name: /Term: /Item: }{item}
Given {the name of/a/the following/an} {animal/sport/country/word/profession/film/city/book/food/person/place/hobby/instrument/holiday/emotion}, {explain it/write a rhyme/tell me how it works/name the capital/describe a typical day/suggest a present/say where it comes from/invent a story/list its benefits/give a fun fact/name a similar one/find a synonym}{.\n\n/:\n\n/. /:\n}{item}
{Suggest/List/Name/Recommend/Find/Give} {things to do in/places to eat in/facts about/reasons to visit/the neighbours of/the history of/what to pack for} {the given/the following/this} {city/country/place/destination}{.\n\n/:\n/. /:\n\n}{/City: /Place: /Country: /Location: }{place}
{Write/Give me/Suggest/Find/Create} {a recipe/a menu/a dish/a wine/a drink/a dinner idea} {for/with/from/to go with} {the given/these/the following} {ingredients/dish/guests/leftovers/diet}{.\n\n/:\n/: }{eggs, rice, onions/{food}/tofu, lime, noodles/four adults and a baby/flour, milk, apples, cinnamon/gluten free}
{Explain/Give the meaning of/Use in a sentence/Where does this come from} {the idiom/the proverb/the saying/the expression/this figure of speech}{.\n\n/:\n/: }{break the ice/a piece of cake/once in a blue moon/spill the beans/the early bird/hit the road/under the weather/cold feet/barking up the wrong tree}
{Write/Draft/Compose} {a letter/an email/a message/a speech/a reference/a note/an invitation/a complaint} {for the given reason/in the following situation/from these points/based on the occasion/with the details below/given the achievements}{.\n\n/:\n\n}{Reason: /Situation: /Occasion: /- /Details: }{I found a better job/the train was cancelled/my neighbour helped me move/{occasion}/she led the choir for ten years\n- never late\n- loved by everyone/the heating does not work}
{Write/Make up/Create/Tell} {a story/a sentence/a poem/a song/a dialogue/a headline} {with/containing/that uses/from/using} {the given words/the following words/these three words/the words below}{.\n\n/:\n/: }{moon, ladder, soup/river, king, shadow/rain, coat, letter/snow, fox, candle/tram, ghost, orange}
{Answer/Give advice to/Reply to/Comfort/Help/What would you say to} {the person/somebody in this situation/this question as a friend/someone who says this/the following problem}{.\n\n/:\n\n/:\n/: }{/Situation: /Problem: /Question: }{situation}
{Solve/Work out/Answer/Compute/Find the answer to} {the problem/this problem/the following puzzle/the riddle/the equation/this word problem/the following question}{.\n\n/:\n\n/: }{/Problem: /Puzzle: /Question: }{{number}x = {number}/{firstname} has {number} {countable} and gives {firstname} {number}. How many are left?/What has a neck but no head?/{question}/A train needs {number} minutes for {number} miles. How fast is it?}
{Continue/Complete/Extend} {the series/the list/the sequence/the sentence/the pattern}{.\n\n/:\n/: }{2, 4, 8/{things}/Monday, Wednesday/{opening}/do, re, mi}
{Convert/Change} {the given/this/the following} {temperature/weight/distance/time/amount/recipe/number}{ to Fahrenheit/ to pounds/ to miles/ to dollars/ to Roman numerals}{.\n\n/:\n/: }{{number} degrees/{number} kg/{number} euros/{number}}
{What is/What are/Who is/Name} {the capital/the currency/the author/the opposite/the inventor/the main ingredient/the colour/the past tense/the plural/a synonym} {of the given/of the following/of this} {country/book/word/dish/verb/thing}{?\n\n/.\n\n/:\n/? }{item}
{Write/Give/List} {adjectives/stereotypes/pros and cons/fun facts/slogans/questions/hashtags/synonyms/character traits/rules} {for/about/that describe} {each of the following/the given/these/the following} {sports/people/products/religions/animals/cities/jobs/things}{.\n\n/:\n/:\n\n}{{item}\n{item}/{item}, {item}/{item}:\n{item}:/{item}}
""",
    "knowledge": r"""
{question}
{who/Who} {was/is/invented/discovered/wrote/painted/played/directed/founded/killed/sang/won/won the most/came up with/scored/first climbed/is buried in/owns} {{person}/the {thing}/{work}}{?/}
{what/What} {is/are/was/causes/happened to/caused/makes up/did they call/do you call} {the {thing}/a {thing}/{subject}/{work}}{?/ called?/ made of?/ used for?/ about?/}
{when/When} {was/is/did/does/will} {the first {thing}/the {thing}/{work}/{person}} {invented/start/end/come out/become famous/built/open/die/released}{?/}
{where/Where} {is/was/are/did/does/do} {the {thing}/{work}/{person}/the largest {thing}} {located/come from/filmed/live/born/made/from/held}{?/}
{how many/How many/how much/how tall/how old/how far/How long/how big/How deep/how heavy} {is/are there/does/did/was} {the {thing}/a {thing}/{person}/{thing}s in {place}} {?/cost?/weigh/live/take?/}
{which/Which} {country/city/team/president/planet/author/king/film/river/element/band/company/animal/state} {has the most/won the/is known for/invented/was the first to/borders/owns/is home to/wrote} {the {thing}/{thing}s/{work}/{subject}}{?/}
{why/Why} {is/are/was/did/do/does/don't/can't} {whyq}{?/}
{name/the name/meaning/origin/history/population/age/price/lyrics/cast/plot/author/date/rules} of {the {thing}/{work}/{subject}/{place}}
{is it true that/did you know that/is it a myth that/can you prove that/how do we know that/why do people believe that} {whyfact}{?/}
{what if/What if/what would happen if/what happens if/What would the world look like if} {whatif}{?/}
{tell me/Tell me/tell us/talk to me/I want to know/I'd like to know/can you tell me/Do you know/I wonder/I'm curious/just curious, do you know} {about {subject}/about {person}/why {whyfact}/more about {place}/something about {topic}/who {person} was}{?/./}
{history/facts/biography/timeline/summary/overview/introduction/essay/myths} {about/on/of} {subject}
{subject}
{subject} {vs/versus/or/and} {subject}
{subject} {explained/for beginners/in simple terms/for kids/history/pros and cons/examples/definition/statistics/facts/meaning}
{ELI5/eli5}{: /, why /, how does / } {subject}
{what's/whats/what is} the {difference/relationship/connection/link} between {subject} and {subject}{?/}
{what's/whats/what is} the {capital/population/currency/flag/climate/best part/highest mountain/national dish/voting age/official language} of {place}{?/}
{what do/how do/why do} {scientists/historians/doctors/economists/philosophers/vegans/birds/teenagers/the French/astronauts} {think about/say about/explain/feel about/sleep during/deal with} {subject}{?/}
{Summarise/Summarize/Recap/Retell/Explain} {the plot of/the ending of/the story of/the moral of/the life of/the message of/the career of} {work/{work}/{person}}{./ without spoilers./ in five sentences./}
{Explain/Discuss/Analyse/Analyze/Evaluate/Critique/Interpret} {the symbolism in {work}/the theme of {topic} in {work}/the legacy of {person}/the ethics of {subject}/{person}'s view of {subject}/the impact of {subject} on {place}}{./}
{Is/is/Are/are/Was/Can/can/Does/does/Do/do/Did/Will/will/Should/Could} {yesno}{?/}
How {dangerous/common/expensive/old/hard/useful/accurate/effective/popular/safe} {is/are/was} {subject}{?/ really?/ for children?/}
""",
    "advice": r"""
{situation}
{situation} {What should I do?/Any advice?/How do I deal with this?/Am I wrong?/What would you do?/Is that normal?/I don't know what to do./Help./Should I be worried?/How can I fix it?/What are my options?}
{How do I/How can I/how do i/how to/how should i/how would you/what's the best way to/whats the easiest way to/any tips on how to/is it hard to/how long does it take to/what do i need to/can you help me to/i want to/I need to/I'd like to/teach me how to/when should i/should i/is it ok to/is it legal to/is it safe to/why is it so hard to} {chore}{?/./}
{what/which} {should i/do i/would you/can i/could i} {cook/wear/say/read/watch/bring/buy/study/plant/eat/do/drink/play} {for {occasion}/with {food}/in {place}/when it rains/tonight/this weekend/on a first date/if i can't sleep/to impress my boss/with the kids}{?/}
{best/cheap/good/healthy/easy/fun/unusual/romantic/quick} {books about {subject}/things to do in {place}/ways to {chore}/restaurants in {place}/exercises for {problem}/recipes with {food}/gifts for {occasion}/time to visit {place}/films about {topic}/names for a {animal}/apps for {problem}/hobbies for introverts/jobs for {role}}{?/}
{tips/advice/ideas/help/inspiration/suggestions/strategies/motivation/an excuse} {for/with/about} {problem}{?/ please/}
{i'm/I'm/I am/im} {planning/organising/thinking about/considering/worried about/nervous about/looking forward to/tired of/bad at/new to/obsessed with/afraid of} {problem}{./. Any tips?/, where do I start?/ and need some ideas/}
{I have/I've got/i have/i got} {a headache/a job interview tomorrow/500 dollars to invest/two cats who hate each other/a crush on my colleague/an exam in a week/a free weekend/chicken and rice in the fridge/a sore throat/trouble with {problem}/a big decision to make/no motivation lately/three days in {place}/a question about {subject}}{./, what now?/. Any ideas?/. What do you recommend?/}
{my/My} {mom/mum/dad/boss/friend/girlfriend/husband/son/daughter/neighbour/neighbor/roommate/cat/dog/landlord/teacher/colleague/grandma/sister} {never listens to me/is always late/wants to {chore}/forgot my birthday/keeps borrowing money/won't eat/is ill/talks too much/is afraid of {topic}/doesn't like {food}/got a new job/is angry with me}{./, what can i do?/. How do I respond?/ and I feel bad about it/}
{recipe for/how to make/how do you make/ingredients for/what goes well with/how long to cook/can i freeze/calories in/vegan alternative to} {food}{?/}
{symptoms/signs/causes/treatment/home remedies/risks} {of/for} {a cold/a burnout/low iron/migraine/dehydration/stress/an allergy/insomnia/a sprained ankle}{?/}
{Plan/plan/Organise/Make me/Suggest/Give me/I need} {a/an} {trip to {place}/weekend in {place}/three-course dinner/date night/garden for a balcony/training plan for a 10k/budget for a student/detox from social media/birthday for a six year old/itinerary for {place}/cleaning schedule}{./ please/ for under {number} dollars/}
{should i/Should I/would you rather/is it better to} {chore} or {chore}{?/}
{convince/persuade/motivate/cheer/distract/roast/compliment/surprise/quiz/interview/coach} me {to {chore}/up/about {subject}/please/that {whyfact}/not to {chore}}
{what are/what're/list} {the pros and cons/the advantages/the risks/the benefits/some alternatives/the first steps} {of/to/for} {{subject}/{problem}}{?/}
{how much/how often/how many hours} {should i/does one/do you/do babies/do adults} {sleep/save for retirement/water a cactus/tip in {place}/eat {food}/walk the dog/charge for a logo/exercise}{?/}
""",
    "create": r"""
{Write/write/Tell/tell me/Make up/Invent/Create/Compose/I need/I want/can you write/could you write/please write} {a/an/one/a very short/a funny/a sad/a scary/a rhyming} {form} {about/where/in which/with/featuring/on} {topic}{./ please/, {number} lines/ with a twist/ for my class/}
{form} about {topic}
{a/an/one} {form} {about/on/for} {whom}
{Write/Draft/Compose/Help me write/I need to write/can you draft/word} {an email/a letter/a message/a text/a note/a complaint/an apology/a resignation/an invitation/a reference/a reminder/a thank you note/a speech/a toast/an eulogy/a bio/a dating profile/a cover letter/a LinkedIn post/a press release/a job description/an advert/a product description/a eulogy/a tweet/an Instagram caption/a review} {to/for/about/saying/announcing/asking for/on the occasion of} {mailto}{./ in a polite tone./, keep it short/ in under {number} words/}
{Give me/Suggest/think of/I need/find/Come up with/brainstorm} {{number}/some/a few/ten/catchy/funny/creative} {names/titles/slogans/captions/hashtags/nicknames/puns/domain names/usernames/headlines/icebreakers/riddles/questions/jokes/metaphors/conversation starters/plot twists/blog ideas/opening lines} {for/about} {whom}{./ please/}
{Continue/Finish/Start/Begin} {the story/a story/this tale/a poem}: {opening}
{opening}
[WP] {whatif}
{Write/Create/Describe} {a character/a villain/a hero/a world/a town/a monster/a planet/a magic system/a spaceship/a kingdom/a tavern/a plot} {for/in} {my novel/a fantasy story/a video game story/a D&D campaign/a children's book/a play/a comic}{./ who is {role}./ about {topic}./}
{rap/sing/rhyme/joke/speak/answer/talk} {like {role}/about {topic}/in Shakespearean English/only in questions/like a 1920s gangster}{./ please/}
{Rewrite/Retell/Reimagine/Describe/Explain} {Cinderella/Hamlet/the moon landing/Little Red Riding Hood/{work}/{subject}} {as a {form}/from the point of view of {role}/in the style of {person}/set in {place}}{./}
{Write/Create} {a dialogue/a conversation/an argument/a debate/an interview/a scene} {between/with} {role} and {role} {about/over} {topic}{./}
{Write/Give me/Create} {lyrics/a chorus/a verse/a rap/a ballad/a lullaby} {about/for} {topic}{./ in the style of {person}/}
{Write/Prepare} {an essay/a 500-word essay/a blog post/an article/a report/a paragraph/an introduction/a thesis statement/an outline/a speech} {on/about/arguing that/discussing} {subject}{./ with an introduction and a conclusion./ for high school./ for a general audience./}
{role play/roleplay/role-playing/let us pretend}: you are {role}{./ and i am {role}/, talk to me about {topic}}
{You are/You're/you are/From now on you are/I want you to be/Be/Be my/Act as/Act like/Pretend to be/Play} {role}{./, {situation}/. I ask you about {topic}. What do you say?/. Give me advice on {problem}./. Stay in character./ and I'm your customer./. Your first line:}
{I want you to act as/I'd like you to act as/Please act as/Could you act as} {role}{. I will/, I'll} {tell you how I feel and you/give you a topic and you/describe a situation and you/ask questions and you/say a place and you} {will give advice/answer in character/make a story/suggest remedies/reply with a joke}{. My first request is "{I need help with {problem}/tell me about {topic}/I want to {chore}}"./}
{Let's play/let's do/can we play/start} {a game/a text adventure/twenty questions/a role-play/a quiz about {subject}/hangman/would you rather/truth or dare/a mock interview/an improv scene/a trivia round}{./, you start/ and I go first/}
""",
    "talk": r"""
{Hi/Hello/hey/Hey there/Good morning/good evening/Yo/hiya/sup/howdy/greetings/hallo/morning}{!/,/./} {how are you?/how's it going/what can you do?/are you there?/nice to meet you/I'm {firstname}/who are you?/can you help me?/I have a question/do you speak French?/what's new/long time no see/}
{thanks/Thank you/thx/ok/okay/great/cool/nice/wow/lol/haha/hmm/yes/no/sure/sorry/bye/good night/never mind/that's wrong/perfect/awesome/interesting/really?/why?/and then?/go on/continue/more please/again/stop/what?/got it/I see/you're welcome/no thanks/good bot/same/maybe/fair enough/not really}{!/./, thanks/ that helps/ thank you so much/}
{I love/I hate/I like/I miss/I enjoy/I prefer/i can't stand/I adore} {topic}{./!/ so much/, and you?/ more than anything/}
{I am/I'm/i am/im/I feel/i feel} {so happy today/very tired/bored/lonely/a nurse/a teacher from {place}/hungry/proud of my son/scared of {topic}/in love/sick/back/stressed out/not feeling well/{number} years old/going to {place} next week/reading about {person}/a big fan of {work}/new here/allergic to cats/vegetarian/retired/single/just kidding}{./!/, how about you?/}
{I work/I live/I grew up/i study/I used to live/I was born/I teach/I play tennis/I volunteer} {in {place}/near {place}/with my parents/at a school/for a bank/on a farm/every weekend}{./, what about you?/}
{I just/Yesterday I/Today I/Last week I/Last night I/This morning I/i} {got back from {place}/saw a film about {topic}/bought a {thing}/lost my keys/ate {food}/met {firstname}/finished {work}/started a new job/had a weird dream/broke my leg/ran five miles/cried at the movies/passed my exam}{./!/ and it was amazing/. How was your day?/ lol}
{I think/I believe/i think/In my opinion/imo/I guess/I bet/Honestly,/I don't think} {whyfact}{./, do you agree?/. Thoughts?/}
{what do you think/what are your thoughts/how do you feel/what's your opinion/what's your take/your thoughts} {about/on/of} {subject}{?/}
{what's/whats/what is/who is/do you have} {your/a} {favourite/favorite} {colour/color/movie/book/season/food/animal/song/word/city/band/joke}{?/}
{do you/can you/could you/did you/will you/have you/are you/were you} {like music/dream/feel pain/lie/remember me/sing/get bored/speak Italian/know {person}/ever been to {place}/have friends/believe in ghosts/think for yourself/watch {work}/sleep/alive/human/smart/real/conscious/a boy or a girl/happy/married}{?/}
{you are/you're/You are/you} {funny/stupid/wrong/the best/so smart/annoying/a computer/my friend/not helpful/boring/beautiful/lying/rock/cheating/amazing}{./!/, you know that?/}
{tell me/Tell me/say/give me/show me} {a joke/something nice/a fun fact/a secret/a riddle/a story/something i don't know/your name/a pickup line/a quote/a tongue twister/good night/about yourself/about your day/a compliment}{./ please/!/}
{did you see/have you seen/have you heard about/have you read/do you follow/did you watch/do you listen to/are you into/do you know much about} {the game last night/{work}/{person}/the news/{topic}/the new {thing}/football/the NBA/politics/jazz/the election}{?/}
{It's/it is/It was/That's/There is/There are/This is/The} {raining again/a lovely day/my birthday/so cold here/not fair/nobody here/too late/nothing on tv/the best {food} ever/{thing} is broken/weather in {place} is terrible/kids are asleep/what my mother said/hard to say}{./!/ :(/}
{My/my/Our} {favourite food is {food}/name is {firstname}/day was long/team lost again/cat is called {firstname}/dog ate my {thing}/train is late/birthday is in May/dream is to {chore}/parents come from {place}/head hurts}{./!/ lol/, what about yours?/}
{book/find/order/get/reserve/call/cancel/schedule/set/turn on/turn off/play/remind me about/track/check/pay/transfer/show me} {me a {thing}/a table for {number}/a taxi/a flight to {place}/an alarm for {number}/my order/the lights/the weather in {place}/some jazz/a {thing} near me/my balance/{food}/tickets for {work}/a doctor's appointment}{./ please/ for tomorrow/ tonight/}
{I'd like/I would like/can i get/i want/Can I have/could I get/I need/I'm looking for/looking for/do you have/where can i find/is there} {a {thing}/{food}/two tickets/a room for two nights/a table by the window/a large coffee with milk/something to eat/a cheap hotel in {place}/a refund/a {thing} in {place}/a doctor/a good dentist}{./ please/?/ for {number} people/}
""",
    "long": r"""
{I want you to act as/I'd like you to act as/Please act as/Act as/You will act as/I want you to be/Take the role of} {role}. {I will/I'll/You will be given} {provide/give/tell you/describe/share} {coachinput}{ and/, and} {you will/your task is to/you should/it is your job to} {coachtask}. {Your answers should be/Keep your replies/Please be} {short and friendly/creative and detailed/honest but kind/full of humour/clear and practical/in the first person}. {My first/My first request is/My first question is/First request}: {"{situation}"/"I need help with {problem}."/"Tell me about {subject}."/"I want to {chore}."}
{I want you to act as/Act as/You are} {role}. {You should/You will/Your job is to/You must} {coachtask}{ and / as well as }{use your knowledge of {subject}/draw on your experience with {problem}/keep {topic} in mind/ask me questions one by one}. {Do not write explanations./Never break character./Include examples and a plan./Think about culture and history./Do not give everything at once.} {My first sentence is "Hi"./Let us begin./My first request is "I need ideas for {occasion}".}
{You are/You're/Imagine you are/Pretend to be/Assume the role of/As} {role} {in {place}/who has lost everything/on the first day of work/at the end of a long life/with a secret}{. /, and }{describe/tell/explain/write about/share/recount/advise somebody on} {your greatest fear/how you deal with {problem}/a typical day/what {topic} means to you/your meeting with {person}/your plan for {occasion}/the rumours about {topic}}{./ in your own voice./, and give some advice to those who follow.}
{role}, {long known for kindness/tired after years of travel/with a passion for {subject}}, {meets {person} and talks about {topic}/has to decide between love and duty/receives a strange letter/discovers a hidden door}. {Write the scene./What happens next?/Tell the story from the beginning./Describe it in the first person.}
{situation} {I love my family and/My friends say that/On the other hand,/To make it worse,/Honestly,} {I do not want to hurt anybody/I worry too much/nothing has changed since then/I feel better when I think about {topic}/everybody has an opinion about {problem}}. {What would you do?/How should I talk about it?/Please give me some advice./Has this happened to you?/Am I overreacting?}
{Write/Compose/Create} a {form} about {topic}. {It should/Make sure that it/Please let it} {mention {place} and {person}/end on a hopeful note/be at least {number} lines long/be set in {place}/include {role} and {role}/be suitable for children}{. /, and }{Do not use/avoid/Use} {the word {word}/rhymes/dialogue/difficult words/the present tense}.
{Plan/Organise/Help me plan} {a trip to {place}/{occasion}/a party/a week of dinners}. {We are/There will be/I expect} {number} {people/guests/adults and two kids}{, / and }{we love {food} and {topic}/the budget is {number} dollars/we have {number} days/some are vegetarian}. {Which places should we see?/What do we need?/Make a list./Give me a plan for each day.}
{Hi/Hey/Hello/Good evening/Hi there}{, /! }{how are you doing today?/did you watch {work}?/are you a fan of {topic}?/do you like {topic}?/have you heard about {person}?/I just saw {work}./what a week!} {I think {whyfact}./I love {topic}, what about you?/I heard that {person} is coming to {place}./My kids love {food}./I used to play when I was younger./It was so much fun, you should try it./I read that {whyfact}, crazy right?}
{I like/I love/I'm a big fan of/I never cared for/I grew up with/I can't get enough of} {topic}{. /, }{My favourite is {work}./It reminds me of {place}./and so does my sister./Did you know that {person} liked it too?/How about you?/but my husband hates it./What do you think about {person}?}
{Did you know/Did you hear/Have you ever noticed/Isn't it strange/Can you believe/It's amazing} {that {whyfact}/that {person} never went to school/that {work} was nearly cancelled/how popular {topic} has become/that they sold {number} million tickets}{?/? I had no idea!/! What a story./? My dad told me./. Do you follow the news?}
{My/Our} {parents/company/school/neighbours/children/best friends} {want to/decided to/never/used to/are going to} {chore}{. /, but }{I am not sure about it./we only have {number} dollars./everybody is against it./they asked me for help./it rains all week.} {What do you suggest?/Ideas?/Is that a good idea?/How would you do it?/}
The {role2} says: "{whyfact}." {Do you agree?/Argue against it./Write a reply in the style of {person}./Discuss in 200 words.}
""",
    "service": r"""
{I want to/I'd like to/I would like to/I need to/Can you help me/Could you/I am looking to/I wish to/can i/please/help me/I have to/I was hoping to/Would you} {servicedo}{./?/ please/ for {number} people/ in {place}/ tomorrow/ on {day}/ at {number} pm/ this evening, please/}
{I'm looking for/I am looking for/I need/Find me/find/Show me/Search for/get me/I want/is there/are there/where is/do you know/looking for/Can you find me/Can you suggest} {servicething}{./?/ in {place}/ near me/ near here/ for {day}/ for {number} people/ that is not too expensive/ with good reviews/ on {day} evening, please/}
{Hi/Hello/Hey/good morning}{, /. /! }{I'd like/I would like/can I get/could I have/I want to order/may I have/I'll have/let me get/do you sell} {drink}{ and {food}/ with {milk}/ to go/ to take away/ for here/} {please/thanks/}{./?/}
{can I get/could I have/I want/get me/one/two/I'd like to order} {drink}{ with {milk}/ extra hot/ and {food}/ to go/, no sugar/ for my friend/}{./?/ please/ please!/}
{what's/what is/check/tell me/how's/show/give me} {the weather/my balance/my schedule/the traffic/the score/my next appointment/the exchange rate/my credit limit/the time/my shopping list/the price of gas} {in {place}/today/for {day}/right now/at home/please/on the way to work/}{?/}
{set/change/add/remove/cancel/delete/update/move/turn on/turn off/turn up/play/stop/start/pause/call/text/remind me about/schedule/reschedule/report/order/pay/transfer/freeze/renew} {my alarm/a reminder/the meeting/the lights/the volume/a new playlist/my mom/{firstname}/my rent/my lost card/dinner for two/a timer for {number} minutes/the thermostat/{number} dollars to {firstname}/my vacation days/the phone bill/my library books/milk on my list}{./ please/ for {day}/ at {number}/ to {day}/ now/}
{when/where/how long/how much/what time} {is my/does the/will the/is the next/do the} {flight/bus to {place}/appointment/shop/package/concert/train/museum/rent/meeting/oil change/game} {leave/close/arrive/start/due/open/take/cost}{?/ today?/ on {day}?}
{do/does/can/will} {they/the restaurant/the hotel/my bank/that place/i} {take reservations/allow pets/have parking/serve {food}/accept cards/deliver to {place}/need a visa for {place}/open on {day}/have a pool}{?/}
""",
    "stage": r"""
{You are/You're/Imagine you are/Pretend you are/Imagine yourself as/Suppose you are/Assume the role of/Roleplay as/As/Act as/Play the part of} {hero}{ /, }{inscene}. {heroask}
{You are/Imagine you are/Pretend to be/Act as/Take on the role of} {hero}{. /, and }{heroask}
{You are/You've been/Imagine you are/Pretend you are} {hero}{. /, }{heroask}\n\n{The audience is/It takes place in/They ask about/Your partner is/The topic is/You have just heard about} {{place}/{subject}/{problem}/{hero}/{topic}}{./, and time is short.}
{Imagine/Write/Create/Invent} a {conversation/scene/speech/monologue/letter/diary entry/debate} {between {hero} and {hero}/in which {hero} meets {hero}/by {hero}/from {hero} to {hero}}{./ about {subject}./ {inscene}.} {heroask}
I want you to act as {hero}. {You will develop/You will be responsible for/You should come up with/Your task is to create/You must offer} {stagework}. {You can cover/You should use/Consider/It is important to include/Pay attention to} {stagemeans}{. /, and }{The most important thing is to/Your goal is to/Above all} {stagegoal}. {My first request is/My first suggestion request is/Begin with/First topic:} "{{form} about {topic}/I need help with {problem}/{subject}/{occasion}}"{./}
I want you to act as {hero}. I will {provide you with/give you/tell you/type/name/describe} {coachinput/some topics related to {subject}/commands and situations/a person and a place} and {you will/your task is to/you are to} {stagework2}. {stagegoal2}. {Only reply with/Reply only with/Do not write/Do not give/Never} {explanations/anything else/the answer itself/more than ten lines/general advice}. {My first/First} {sentence/command/topic/request}{ is /: }"{{situation}/{topic}/look around/{subject}/hello}"
Let's {play/start/imagine/create} {a text based adventure/a fantasy story/an improvised scene/a murder mystery/a debate/an interview} {in which I am {hero}/set in {place}/about {topic}/where you are {hero}}. {You describe what I see and I say what I do./You ask the questions./You begin./Make it exciting and give me three choices each time.}
""",
    "trivia": r"""
{question}
{question}
{Quick question: /So /Tell me, /hey, /I was wondering, /Hi! /Serious question: /}{question}
{question} {question}
{question} {I always wondered./My son asked me./It's for a quiz./Please explain./Answer in one word./I think it is {place}./}
{What/Which/Who/Where/When/How many} {kind of {animal}/famous {thing}/colour/big {thing}s/American {role2}/British {thing}/old {thing}/first name/two countries/prize/holiday/movie/sort of {food}} {is/was/are/did/has/does} {{person} known for/worn by the winners of the {thing}/in the story of {work}/said to bring luck/based on a story by {person}/on the flag of {place}/at the end of {work}/named after the {thing}/the opposite of {word}/most popular in {place}}?
{do not/don't/never/please don't/let's not} {worry/lie/cry/be sad/go away/forget me/talk about it/say that/be rude/laugh at me}{!/./}
In {what year/which country/what city/which decade/which sport/what film/which novel/what century} {did/was/does/do} {{person} die/the first {thing} appear/{work} take place/the {thing} get its name/they invent the {thing}/{person} win the prize}?
{In medieval England/Before the war/In Greek mythology/On the TV show {work}/In {work}/According to legend/In the periodic table/In music/During the Cold War/In {place}}, {what/who/which {thing}/how many {thing}s} {was used as money/was the name of the dog/is the symbol of the {thing}/wore number {number}/had three heads/was called the father of {subject}/is considered bad luck}?
{What/Which} {country/city/author/{animal}/element/planet/band/color/sport/river/group/president/actor/poet/company} {is bordered by {place} and {place}/wrote {work}/has the longest {thing}/was named after {person}/is the driest in the world/is home to the oldest {thing}/did {person} play for/has the chemical symbol {word}/is known as the land of {topic}/was the predecessor of the {thing}}?
{The {thing}, launched in 19{number}, is named after what/{work} is the autobiography of which/{place} imports its {countable} from which/Before they were famous, {firstname}, {firstname} and {firstname} were members of which/The {thing} is made from the wood of which/{person} was born in what/The pencil, the rope, the knife and which other {thing} are in the/Who was the only {person} ever to win a} {American astronomer/poet/country/group/tree/city/game/president}?
{Who/What} {said/sang/sings/wrote/played/voiced/designed/discovered/won/hosted/coined} {"{opening}"/the theme of {work}/the part of the {thing} in {work}/the phrase {word}/the first {thing} of {place}}{?/}
what does {the term {word}/BMW/NASA/the {thing}/the phrase {word}/the name of {place}} {stand for/mean/refer to}{?/ in english?/}
{the/The} {{thing} is located in/largest {thing} in the world is/boiling point of water is/{thing} was discovered by/{thing} of {place} was built in/capital of {place} is/purpose of the {thing} is to/first {thing} was made of}{/...}
{all of the/list the/what are the/name the} {countries in {place}/players of the {thing}/words of the anthem/kings of {place}/parts of the {thing}/seasons of {work}/winners of the {thing}/characters in {work}/days of the week}{?/}
{what/who/when/where/how many} {new/current/famous/main/former/total/original} {thing}{s/} {are in {place}/won the world cup/was the boss in {work}/died in 19{number}/is the fastest/played for {place} in the final/does {place} have}
why is {it called the {thing}/the {thing} important to {place}/{place} so cold/{work} so popular/{person} famous}{?/}
{For {number} points/Trivia/Quiz/Riddle/Jeopardy}: {question}
""",
    "remark": r"""
{Hi/Hey/Hello/Hi there/Good morning}{! /, /. }{how are you?/how's it going?/how is your day?/do you like {topic}?/did you know?/} {remark}
{Have you seen/Have you read/Did you watch/Did you ever read/Have you heard of/Do you remember/Are you a fan of/Do you like} {the movie "{work}"/the book by {person}/the musical {work}/{work}/{person}/the show about {topic}/the article about {subject}}? {remark}
{Did you know/I read that/I heard/They say/I just learned/Apparently/I can't believe/Crazy that/Fun fact:} {remark}
{remark}
{remark} {What do you think?/Do you watch it?/Crazy, right?/I was surprised./I loved it when I was a kid./Have you been there?/That is so funny./I would love to see it./My dad told me.}
{I love/I like/I don't really follow/I used to watch/I'm into} {topic}{. /! }{remark}{ And you?/}
What {do you think/did you think} {about/of} {{person}/{work}/{topic}/the new {thing}}? {remark}
""",
    "scene": r"""
{You are/Imagine you are/You're/Roleplay as/Pretend you are/Act as/As} {hero}{. /, }{heroask}\n\n{scene}
{You are/Imagine you are/You're/Roleplay as/Pretend you are/Act as} {hero}{. /, }{heroask}\n\n{scene} {scene}
{scene} {As {hero}, how do you react?/You are {hero}. {heroask}/What would {person} say?/Continue the story./Describe what you see./What do you do?}
{You are/Imagine you are} {hero} and {scene} {heroask}
{Write/Tell/Continue/Compose} {a story/the story/a scene/a {form}} {from this idea/with this beginning/for this setting/about the following}{.\n\n/:\n\n/: }{scene}
{Give advice/What should they do/Who is right/How could this end/Invent an ending/What would you do in their place}{?\n\n/:\n\n/? }{scene} {scene}
""",
    "maths": r"""
{firstname} {has/had/buys/bought/sells/reads/earns/runs/bakes/walks/saves/drinks/planted/collects/paid} {number} {countable} {and/but/. Then} {gives {number} to {firstname}/loses half of them/buys {number} more/each costs {number} cents/eats three/shares them with {number} friends/twice as many the next day}. {How many/How much/What} {are left/does she have now/did he spend/is left/in total/does each get}{?/ altogether?/}
{If/if/When/Suppose} {a train leaves at {number} km per hour/{number} workers build a wall in {number} days/one {thing} costs {number} dollars/x + y = {number} and x - y = {number}/a pizza is cut into 8 slices/the ratio of boys to girls is 3:5/a car uses {number} litres per 100 km/today is Tuesday/a die is rolled twice}, {how long/how many/what is/how much/what day is it in {number} days/what is the probability/how far} {does it take/are needed/the total/for {number}/x/}{?/}
{A/The/Each/An/Every} {farmer/bakery/school/class/tank/rectangle/circle/shop/recipe/garden/car/company/box/cyclist/teacher/ladder/salesman} {has/sells/contains/is/travels/needs/uses/holds/earns} {number} {countable/metres long and {number} wide/litres of water/{countable} per hour/students, {number} percent of whom are girls/cm in radius}{. / and }{How/how/What/what/Find/Calculate} {many/much/is the area/the perimeter/is left after {number} days/does it earn in a week/the volume}{?/./}
{There are/There were/In a class of} {number} {countable/students/people in a room/birds in a tree/red and blue balls in a bag/floors in the building}{. /, }{number} {leave/are red/are boys/fly away/get off/are sold}. {How many/What fraction/What percentage/What is the probability}{?/ remain?/ of red?/}
{What is/what's/whats/calculate/compute/solve/find/evaluate/work out/simplify} {{number}% of {number}/{number} x {number}/{number} divided by {number}/the square root of {number}/{number} squared/{number} + {number}/3x + {number} = {number}/the integral of x^2/the derivative of sin x/the sum of the first {number} odd numbers/the mean of {number}, {number} and {number}/x if 2x = {number}/a third plus a quarter/log 100/the limit of 1/n/{number} mod 7/the area of a circle with radius {number}}{?/./}
{Prove/Show/Explain why/Is it true} that {the square root of 2 is irrational/there are infinitely many primes/the sum of angles in a triangle is 180/every even number is a sum of two primes/a continuous function on [0,1] is bounded/n^3 - n is divisible by 6}{./}
{how many/How many} {minutes/seconds/cups/ounces/feet/grams/days/weeks/inches/litres/kilometres} {in/are in/make} {a/{number}} {year/miles/gallon/kg/mile/weeks/hours/pounds/foot}{?/}
Let {f(x) = x^2 + {number}x/n be a positive integer/ABC be a triangle with AB = {number}/G be a group of order {number}/X be uniform on [0,1]/p be a prime}. {Find/Show that/Compute/What is/Determine} {f({number})/n is odd/the length of BC/G is abelian/the expected value of X^2/all solutions}{./}
{riddle/logic puzzle/brain teaser}: {There are three boxes/Five people sit in a row/A man lives on the tenth floor/Two doors, one lies/What has keys but no locks/The more you take the more you leave}{. / and }{who owns the cat/which one is true/what am i/how do you find out}{?/}
{All/Some/No} {cats/bloops/poets/swans} are {animals/fools/white/tall}. {All/Some/No} {animals/fools/tall things} are {green/water/lazy}. {Does it follow/Is it true/Can we conclude} that {all cats are green/some poets are lazy}{?/}
{split/convert/divide/add/round} {a bill of {number} between {number} people/{number} dollars to euros/{number} miles to km/{number} by {number}/{number} fahrenheit to celsius/{number} kg to pounds/{number} to the nearest ten}{./ please/}
what {comes next/is the next number/is missing}{: /? /: }{2, 4, 8, 16/1, 1, 2, 3, 5/3, 6, 9/7, 14, 28/a, c, e/1, 4, 9, 16}{, .../, ?/}
""",
    "write": r"""
Write a {form} about {topic}.
Write me a {form} about {topic}
write a short {form} about {topic} please
Can you write a {form} for {occasion}?
Compose a {form} on the theme of {topic}
Create a {form} in which {person} meets {person}.
I need a {form} for {occasion}, can you help?
Help me write a {form} about {subject}
Make up a {form} for my kids about {topic}
Generate a {number}-line {form} about {topic}
tell me a {form} about {topic}
Give me a {form} involving {role}
Draft an email to my landlord about {problem}.
Write a cover letter for {occasion}
Write an email asking my boss for {number} days off
Write a product description for a new kind of {food}
Write an argumentative essay on {subject} in {number} paragraphs
Draft a {form} that explains {subject} to children
Come up with {number} names for a shop that sells {food}
Suggest a title for a book about {topic}
Continue this story: Once upon a time there was {role}
write a tweet about {topic}
Write a dialogue between {person} and {role}
Rewrite the ending of Romeo and Juliet as a {form}
Invent a holiday about {topic}
Write a {form} where every word starts with the same letter
""",
    "know": r"""
What is {subject}?
what is {subject}
Explain {subject} to a ten year old.
Explain {subject} in simple terms
How does {subject} work?
how does {subject} affect {place}
Why is {subject} important?
Who was {person}?
who was {person}'s wife
When did {person} die?
when was {person} born
What did {person} do for {subject}?
Where is {place}?
what is the capital of {place}
how many people live in {place}
What is the difference between {subject} and {subject}?
Tell me about {person}.
Tell me something about {subject}
Tell me about the history of {place}
Give me {number} facts about {subject}
List {number} reasons for {subject}
Name {number} countries near {place}
Compare {place} and {place}
What are the main causes of {subject}?
Describe {subject} in your own words
Discuss the consequences of {subject}
How was {subject} discovered and by whom?
who invented {food}
Which is bigger, {place} or {place}?
Is {subject} dangerous?
did {person} ever visit {place}
what language do they speak in {place}
Summarize the life of {person}
Can you explain {subject}?
Could you please explain how {subject} works?
Outline the history of {subject}
What is the best film about {topic}?
who wrote the book about {topic}
who sings the song about {topic}
What does the word {topic} mean in poetry?
List the pros and cons of {subject}
Analyze the role of {person} in {subject}
What would happen without {subject}?
""",
    "counsel": r"""
How can I deal with {problem}?
I am struggling with {problem}. Any advice?
what should I do about {problem}
Give me {number} tips for {problem}
Any ideas for {occasion}?
What should I wear to {occasion}?
Plan a {number} day trip to {place}.
Plan a weekend in {place} for a family of {number}
what can I cook with {food}
How do I make {food}?
recipe for {food}
Suggest a gift for {occasion}
Recommend some books about {subject}
recommend a good movie about {topic}
Should I move to {place} or {place}?
Is it normal to worry about {problem}?
My friend has trouble with {problem}, how can I help her?
I feel sad because of {problem}
Make a weekly plan against {problem}
How long does it take to learn about {subject}?
what time is it in {place}
book a table for {number} people
I want to order {food} for {number} people
find me a flight to {place}
set an alarm for {number} minutes
remind me about {occasion}
Help me prepare for {occasion}
How do I tell my parents about {problem}?
Teach me {subject} step by step
how much does {food} cost in {place}
I'm looking for a hotel in {place}
can you find a bus to {place}
play some music for {occasion}
how do i get rid of {problem}
Create a study plan for {subject}
Make a packing list for {place}
Design a workout plan for {problem}
""",
    "daily": r"""
how to {chore}
How do I {chore}?
How to {chore} at home
how can i {chore} without spending money
What is the best way to {chore}?
Should I {chore} or {chore}?
should i {chore} today
Why is it hard to {chore}?
when is the best time to {chore}
how long does it take to {chore}
Can you teach me to {chore}?
I want to {chore}, where do I start?
my husband never wants to {chore}, what can i do
What do I need to {chore}?
List the steps to {chore}
List the {listed}
list all {listed}
Name the {listed}
What are the {listed}?
how many {listed} are there
A shop raises its prices by {number} percent. How much more does a {food} cost?
Is it better to {chore} in the morning?
Tell me how to {chore}
Explain how to {chore}
What happens if you never {chore}?
Are {listed} more important than {subject}?
Rank the {listed} by size
Do you {chore}?
""",
    "chatter": r"""
Hi!
hello
Hey, how are you?
good morning
Hi there, can we talk about {topic}?
I love {topic}
I think {subject} is overrated.
Do you like {food}?
do you believe in {subject}
Have you ever been to {place}?
What is your favourite {form}?
What do you think about {topic}?
Are you a robot?
who made you
Do you have feelings?
I was in {place} last summer, it was wonderful.
Tell me a joke
thanks, that was helpful
You are wrong about {subject}
Let's play a game.
My name is {person}.
I am bored
I just finished reading about {person}
Can you keep a secret?
what's up
Sorry, I did not mean {topic}
Yes, but why {subject}?
and what about {place}?
ok tell me more
I don't agree with {person}
Do you know {person}?
Did you know that {person} lived in {place}?
{topic} makes me happy
It is a lovely day.
My favourite singer is coming to {place}.
I hate {problem}
what are you
say something funny
""",
    "role": r"""
Pretend you are {role}.
Imagine you are {role}. What do you think of {topic}?
Act as {role} and talk to me about {topic}.
I want you to act as {role}. My first question is about {subject}.
You are {role}. Describe your day in {place}.
You are {role} and I am {role}. Let's talk.
Let's role-play: you are {role}, I am new in {place}.
Suppose you were {person}. How would you explain {subject}?
As {role}, explain {subject} to {person}.
Speak like {role}: what is {subject}?
Take the role of {person} and give a speech on {topic}.
Imagine a world without {subject}. What would change?
If you could meet {person}, what would you ask?
You've been hired as {role} in {place}; introduce yourself
Put yourself in the shoes of {person}
Play {role} who has never heard of {subject}
""",
    "sums": r"""
A train travels {number} miles in {number} hours. What is its average speed?
Tom has {number} apples and gives away {number}. How many are left?
If a shirt costs {number} dollars and is {number} percent off, what is the price?
What is {number} percent of {number}?
what is {number} times {number}
{number} + {number} * {number} = ?
Solve for x: {number}x + {number} = {number}
A rectangle is {number} cm long and {number} cm wide. What is its area?
Maria reads {number} pages a day. How many days does she need for {number} pages?
Sarah is {number} years older than her brother. In {number} years she will be twice his age. How old is she?
What is the probability of rolling {number} twice?
A farmer sells {number} eggs for {number} cents each and buys {number} hens. How much does he have left?
What is the derivative of x^{number}?
How many seconds are in {number} hours?
Prove that the sum of two odd numbers is even.
Convert {number} miles to kilometres
A recipe for {number} people needs {number} grams of flour. How much is needed for {number}?
If it takes {number} workers {number} days, how long does it take {number} workers?
Explain the proof that there are infinitely many primes
""",
    "elaborate": r"""
You are {role}. {situation}
Imagine you are {role} in {place}. {situation} What do you say?
You are {role}. Describe your greatest adventure.\n\nThe adventure takes place in {place} and involves {topic} and {person}.
Imagine a conversation between {person} and {person} about {subject}.\n\nThey disagree about the causes of {subject} and about {problem}.
{situation} What should I do?
{situation} {situation} How would you handle this?
Write a {form} about {topic}. It should be at least {number} lines long, mention {place} and end on a hopeful note. Do not use the word {topic}.
Plan a trip to {place}.\n\nWe are {number} people, we love {food} and {subject}, and we have {number} days.
I want you to act as {role}. I will tell you about {problem} and you will answer with advice. Do not write explanations. My first sentence is "I need help with {problem}".
Give me a {form} for {occasion}.\n\nName: {person}\nPlace: {place}
Explain the term.\n\n{subject}
Give the definition of the word.\n\nWord: {topic}
Suggest a menu.\n\nGuests: {number}\nFavourite: {food}
Question: who was {person}?\nAnswer:
Q: What is {subject}?\nA:
Write an answer to this invitation in your own words, saying that I cannot come because of {problem}.
Make a to-do list for the occasion.\n\n{occasion}
What are synonyms of the word happy?
Come up with a sentence that ends with the word {topic}.
Compare {person} and {person} in a table with {number} rows.
Write a letter from {person} to {person}.\n\nIt should sound worried, mention {topic} and {food}, and ask for news from {place}.
""",
    "find": r"""
what was the first {thing}
who had the most {thing} under the treaty
what is the oldest {thing} in {place}
who played {person} in the film about {topic}
when was {place} first mentioned
when does the next season of {topic} start
how many {thing}s are there in {place}
where does the phrase {topic} come from
where was the film about {person} shot
what happened to {person} during the war
what is a {thing} made of
What number did {person} live at?
which {thing} has the most moons
who is the current president of {place}
what kind of {thing} lives in {place}
which {thing} won the world cup in {place}
the {thing} with the largest population
which part of {place} is closest to the equator
I need dates for {thing} events in {place}
Check my calendar for {occasion}
Are there any {thing}s near me?
Find a {thing} in {place} for the 4th of this month
I'm looking for {thing} events
I'd like a {thing} with oat milk
is the {thing} open on sunday
how far is {place} from {place}
transfer {number} dollars to my savings
what's on my credit card bill
what does a {thing} cost
where can i see a {thing} tonight
Does {place} have a {thing}?
name of the {thing} in the story of {person}
what is the purpose of a {thing} in {subject}
how old do you have to be to own a {thing}
meaning of the {thing} in {place}
who discovered the {thing}
What has a {thing} but no {thing}?
The {thing} is a lie.
{thing}s are not allowed to lie
Every {thing} deserves a second chance.
""",
}
