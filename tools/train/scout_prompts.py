# SPDX-License-Identifier: MIT
"""Prompts of the project's own for the Scout: patterns with slots, filled by a fixed rule.

The collected sources are narrow: each is one kind of prompt in one voice. These patterns say in many voices what people ask
a model for. prompts() gives the same list every time: (label, kind, text)."""
import random
import re

SLOTS = {
    "topic": """the sea|autumn|a lonely robot|my grandmother's garden|space travel|a lost dog|the first day of school|friendship|winter
        mornings|a haunted lighthouse|city life|dragons|a football match|climate change|the moon|a small bakery|old trains|jealousy|rain
        |a talking cat|courage|a detective in Paris|growing up|the desert|night shifts|immigration|a broken clock|chess|silence|bees""",
    "subject": """photosynthesis|inflation|the French Revolution|black holes|vaccines|the stock market|plate tectonics|democracy|quantum
        physics|the water cycle|gravity|evolution|the Cold War|compound interest|DNA|the Silk Road|volcanoes|electric cars|blockchain
        |machine learning|the immune system|supply and demand|the Renaissance|nuclear power|sleep|glaciers|tides|antibiotics|jazz
        |stoicism|the ozone layer|nutrition labels|the electoral college|relativity|the placebo effect|rainbows""",
    "person": """Marie Curie|Napoleon|Albert Einstein|Cleopatra|Nelson Mandela|Shakespeare|Frida Kahlo|Isaac Newton|Gandhi|Mozart
        |Abraham Lincoln|Ada Lovelace|Leonardo da Vinci|Bob Marley|Queen Victoria|Rosa Parks|Beethoven|Alexander the Great""",
    "place": """Japan|Peru|Berlin|Kenya|New York|Iceland|Portugal|Mexico City|the Alps|Vietnam|Morocco|Australia|Rome|Canada|Egypt
        |Scotland|Thailand|Norway|Chicago|Istanbul""",
    "role": """a pirate|a travel guide|a job interviewer|a medieval knight|a fitness coach|a wise old wizard|a sarcastic barista|my
        therapist|a history teacher|a stand-up comedian|a sommelier|a career adviser|an English teacher|a chef|a poet|a detective
        |an alien visitor|a motivational speaker|a debate partner|a museum guide|a customer in a shop|my doctor""",
    "food": """lasagna|sourdough bread|chicken soup|sushi|pancakes|a vegan curry|apple pie|fried rice|tacos|hummus|cheesecake""",
    "problem": """falling asleep|my noisy neighbour|procrastination|back pain|saving money|learning Spanish|a difficult boss|stage
        fright|a dying houseplant|stress at work|homesickness|too much screen time|a picky eater|my bad posture|making friends
        |running my first marathon|a long distance relationship|choosing a college|quitting smoking|moving to a new city""",
    "occasion": """my sister's wedding|a retirement party|my boss's birthday|a school graduation|an anniversary|a farewell|a job
        application|a thank you card|a housewarming|a funeral""",
    "form": """poem|short story|haiku|song|limerick|fairy tale|speech|monologue|love letter|riddle|joke|bedtime story|sonnet|rap|blog
        post|essay|dialogue|movie scene|slogan|fable""",
    "number": "3|5|7|12|24|30|45|60|90|120|150|15|8|18|250",
    "lang": """Python|JavaScript|Java|C++|C#|Go|Rust|Ruby|PHP|TypeScript|Kotlin|Swift|Bash|SQL|R|Perl|Haskell|Scala|MATLAB|Lua|C""",
    "lib": """React|Django|pandas|numpy|Spring Boot|Node.js|Flask|TensorFlow|Kubernetes|Docker|Angular|Vue|PostgreSQL|MongoDB|git|Redis
        |PyTorch|Laravel|jQuery|Android Studio|nginx|AWS Lambda|Excel VBA|Unity|Terraform|FastAPI|matplotlib|Express|Rails|webpack""",
    "task": """reverses a string|sorts a list of numbers|checks whether a word is a palindrome|finds the shortest path in a graph
        |reads a CSV file|removes duplicates from an array|computes prime numbers|parses a JSON response|connects to a database
        |sends an email|counts words in a file|merges two sorted lists|downloads a web page|validates an email address|resizes images
        |flattens a nested list|implements a linked list|solves the knapsack problem|renders a bar chart|caches results|logs in a user
        |converts Celsius to Fahrenheit|uploads a file to S3|finds the second largest element|balances parentheses|draws a circle""",
    "error": """a segmentation fault|NullPointerException|TypeError: undefined is not a function|a syntax error|KeyError|a memory leak
        |an infinite loop|a 404 error|permission denied|ModuleNotFoundError|a merge conflict|CORS errors|a deadlock|stack overflow
        |IndexError: list index out of range|connection refused|an unexpected token|exit code 137|undefined reference to main
        |error: expected ';' before '}' token""",
    "thing": """two branches|a Docker container|the last commit|a foreign key|a for loop|an environment variable|a nested object|two
        dataframes|an async function|a unit test|a cron job|a regex for dates|a REST endpoint|a virtual environment|a dropdown menu
        |an abstract class|a hash map|an SSH key|a build pipeline|a listbox|a css grid|a stored procedure|an index on a table""",
    "language": "French|Spanish|German|English|Italian|Chinese|Japanese|Portuguese|Hindi|Arabic|Russian|Dutch|Korean",
    "thing2": """computer|treaty|river|lion|planet|team|concert|governor|hockey puck|guitar|museum|operating system|tree|king|latte|baseball
        game|restaurant|engine|telescope|currency|whale|church|sandwich|star|language|empire|volcano|bank|dentist|robot|mobile phone
        |television show|book|map|clock|satellite|train|border|law|song""",
    "chore": """poach an egg|cook rice|paint a fence|clean the oven|iron a shirt|change a tyre|plant tomatoes|tie a tie|lose weight|sell a
        used car|buy stocks or bonds|rent a flat|get a passport|train a puppy|play the guitar|bake bread|remove a wine stain|fold a fitted
        sheet|save for retirement|sleep better|write a will|throw a party|learn to swim|repair a bicycle|get rid of ants|meditate|grow a
        beard|prepare for an exam|ask for a raise|invest in gold|knit a scarf|vote by mail|make yoghurt|apologise to a friend""",
    "listed": """continents|colours of the rainbow|oceans|kings of England|seasons|stages of sleep|bones of the hand|largest cities in
        Europe|noble gases|seven wonders of the world|types of clouds|Olympic sports|members of the Beatles|phases of the moon|human
        senses|American presidents|countries in South America|strings of a violin|vitamins|moons of Jupiter""",
    "doc": """article|text|paragraph|email|passage|report|essay|story|letter|document|conversation|meeting notes|review|abstract
        |transcript|press release|contract|chapter|blog post|statement|speech|paper|news item""",
    "field": """names|dates|prices|email addresses|key points|action items|locations|main arguments|people mentioned|phone numbers
        |organisations|technical terms|deadlines|product names|quotes|numbers|claims|ingredients|skills""",
    "classes": """positive or negative|spam or not spam|urgent or not urgent|sports, politics or business|fact or opinion|formal or
        informal|positive, neutral or negative|a question or a complaint|true, false or unclear|happy, sad or angry""",
}

PATTERNS = {
    ("CHAT", "write"): """Write a {form} about {topic}.|Write me a {form} about {topic}|write a short {form} about {topic} please|Can you
        write a {form} for {occasion}?|Compose a {form} on the theme of {topic}|Create a {form} in which {person} meets {person}.
        |I need a {form} for {occasion}, can you help?|Help me write a {form} about {subject}|Make up a {form} for my kids about {topic}
        |Generate a {number}-line {form} about {topic}|tell me a {form} about {topic}|Give me a {form} involving {role}|Draft an email to my
        landlord about {problem}.|Write a cover letter for {occasion}|Write an email asking my boss for {number} days off|Write a product
        description for a new kind of {food}|Write an argumentative essay on {subject} in {number} paragraphs|Draft a {form} that explains
        {subject} to children|Come up with {number} names for a shop that sells {food}|Suggest a title for a book about {topic}|Continue
        this story: Once upon a time there was {role}|write a tweet about {topic}|Write a dialogue between {person} and {role}|Rewrite the
        ending of Romeo and Juliet as a {form}|Invent a holiday about {topic}|Write a {form} where every word starts with the same letter""",
    ("CHAT", "know"): """What is {subject}?|what is {subject}|Explain {subject} to a ten year old.|Explain {subject} in simple terms|How does
        {subject} work?|how does {subject} affect {place}|Why is {subject} important?|Who was {person}?|who was {person}'s wife|When did
        {person} die?|when was {person} born|What did {person} do for {subject}?|Where is {place}?|what is the capital of {place}|how many
        people live in {place}|What is the difference between {subject} and {subject}?|Tell me about {person}.|Tell me something about
        {subject}|Tell me about the history of {place}|Give me {number} facts about {subject}|List {number} reasons for {subject}|Name
        {number} countries near {place}|Compare {place} and {place}|What are the main causes of {subject}?|Describe {subject} in your own
        words|Discuss the consequences of {subject}|How was {subject} discovered and by whom?|who invented {food}|Which is bigger, {place}
        or {place}?|Is {subject} dangerous?|did {person} ever visit {place}|what language do they speak in {place}|Summarize the life of
        {person}|Can you explain {subject}?|Could you please explain how {subject} works?|Outline the history of {subject}|What is the
        best film about {topic}?|who wrote the book about {topic}|who sings the song about {topic}|What does the word {topic} mean in poetry?
        |List the pros and cons of {subject}|Analyze the role of {person} in {subject}|What would happen without {subject}?""",
    ("CHAT", "advice"): """How can I deal with {problem}?|I am struggling with {problem}. Any advice?|what should I do about {problem}|Give me
        {number} tips for {problem}|Any ideas for {occasion}?|What should I wear to {occasion}?|Plan a {number} day trip to {place}.|Plan a
        weekend in {place} for a family of {number}|what can I cook with {food}|How do I make {food}?|recipe for {food}|Suggest a gift for
        {occasion}|Recommend some books about {subject}|recommend a good movie about {topic}|Should I move to {place} or {place}?|Is it normal to
        worry about {problem}?|My friend has trouble with {problem}, how can I help her?|I feel sad because of {problem}|Make a weekly
        plan against {problem}|How long does it take to learn about {subject}?|what time is it in {place}|book a table for {number} people
        |I want to order {food} for {number} people|find me a flight to {place}|set an alarm for {number} minutes|remind me about {occasion}
        |Help me prepare for {occasion}|How do I tell my parents about {problem}?|Teach me {subject} step by step|how much does {food} cost in
        {place}|I'm looking for a hotel in {place}|can you find a bus to {place}|play some music for {occasion}|how do i get rid of
        {problem}|Create a study plan for {subject}|Make a packing list for {place}|Design a workout plan for {problem}""",
    ("CHAT", "daily"): """how to {chore}|How do I {chore}?|How to {chore} at home|how can i {chore} without spending money|What is the best way to
        {chore}?|Should I {chore} or {chore}?|should i {chore} today|Why is it hard to {chore}?|when is the best time to {chore}|how long does
        it take to {chore}|Can you teach me to {chore}?|I want to {chore}, where do I start?|my husband never wants to {chore}, what can i
        do|What do I need to {chore}?|List the steps to {chore}|List the {listed}|list all {listed}|Name the {listed}|What are the
        {listed}?|how many {listed} are there|A shop raises its prices by {number} percent. How much more does a {food} cost?|Is it
        better to {chore} in the morning?|Tell me how to {chore}|Explain how to {chore}|What happens if you never {chore}?|Are {listed}
        more important than {subject}?|Rank the {listed} by size|Do you {chore}?""",
    ("CHAT", "talk"): """Hi!|hello|Hey, how are you?|good morning|Hi there, can we talk about {topic}?|I love {topic}|I think {subject} is
        overrated.|Do you like {food}?|do you believe in {subject}|Have you ever been to {place}?|What is your favourite {form}?|What do you
        think about {topic}?|Are you a robot?|who made you|Do you have feelings?|I was in {place} last summer, it was wonderful.|Tell me a
        joke|thanks, that was helpful|You are wrong about {subject}|Let's play a game.|My name is {person}.|I am bored|I just finished
        reading about {person}|Can you keep a secret?|what's up|Sorry, I did not mean {topic}|Yes, but why {subject}?|and what about
        {place}?|ok tell me more|I don't agree with {person}|Do you know {person}?|Did you know that {person} lived in {place}?|{topic} makes
        me happy|It is a lovely day.|My favourite singer is coming to {place}.|I hate {problem}|what are you|say something funny""",
    ("CHAT", "role"): """Pretend you are {role}.|Imagine you are {role}. What do you think of {topic}?|Act as {role} and talk to me about {topic}.
        |I want you to act as {role}. My first question is about {subject}.|You are {role}. Describe your day in {place}.|You are {role}
        and I am {role}. Let's talk.|Let's role-play: you are {role}, I am new in {place}.|Suppose you were {person}. How would you explain
        {subject}?|As {role}, explain {subject} to {person}.|Speak like {role}: what is {subject}?|Take the role of {person} and give a speech
        on {topic}.|Imagine a world without {subject}. What would change?|If you could meet {person}, what would you ask?|You've been hired
        as {role} in {place}; introduce yourself|Put yourself in the shoes of {person}|Play {role} who has never heard of {subject}""",
    ("CHAT", "maths"): """A train travels {number} miles in {number} hours. What is its average speed?|Tom has {number} apples and gives away
        {number}. How many are left?|If a shirt costs {number} dollars and is {number} percent off, what is the price?|What is {number} percent
        of {number}?|what is {number} times {number}|{number} + {number} * {number} = ?|Solve for x: {number}x + {number} = {number}|A
        rectangle is {number} cm long and {number} cm wide. What is its area?|Maria reads {number} pages a day. How many days does she need
        for {number} pages?|Sarah is {number} years older than her brother. In {number} years she will be twice his age. How old is she?|What
        is the probability of rolling {number} twice?|A farmer sells {number} eggs for {number} cents each and buys {number} hens. How much
        does he have left?|What is the derivative of x^{number}?|How many seconds are in {number} hours?|Prove that the sum of two odd
        numbers is even.|Convert {number} miles to kilometres|A recipe for {number} people needs {number} grams of flour. How much is
        needed for {number}?|If it takes {number} workers {number} days, how long does it take {number} workers?|Explain the proof that there
        are infinitely many primes""",
    ("CHAT", "long"): """You are {role}. {story}|Imagine you are {role} in {place}. {story} What do you say?|You are {role}. Describe your
        greatest adventure.\\n\\nThe adventure takes place in {place} and involves {topic} and {person}.|Imagine a conversation between {person}
        and {person} about {subject}.\\n\\nThey disagree about the causes of {subject} and about {problem}.|{story} What should I do?|{story}
        {story} How would you handle this?|Write a {form} about {topic}. It should be at least {number} lines long, mention {place} and end on
        a hopeful note. Do not use the word {topic}.|Plan a trip to {place}.\\n\\nWe are {number} people, we love {food} and {subject}, and we
        have {number} days.|I want you to act as {role}. I will tell you about {problem} and you will answer with advice. Do not write
        explanations. My first sentence is "I need help with {problem}".|Give me a {form} for {occasion}.\\n\\nName: {person}\\nPlace: {place}|
        Explain the term.\\n\\n{subject}|Give the definition of the word.\\n\\nWord: {topic}|Suggest a menu.\\n\\nGuests: {number}\\nFavourite:
        {food}|Question: who was {person}?\\nAnswer:|Q: What is {subject}?\\nA:|Write an answer to this invitation in your own words, saying
        that I cannot come because of {problem}.|Make a to-do list for the occasion.\\n\\n{occasion}|What are synonyms of the word
        happy?|Come up with a sentence that ends with the word {topic}.|Compare {person} and {person} in a table with {number} rows.|Write a
        letter from {person} to {person}.\\n\\nIt should sound worried, mention {topic} and {food}, and ask for news from {place}.""",
    ("CHAT", "find"): """what was the first {thing2}|who had the most {thing2} under the treaty|what is the oldest {thing2} in {place}|who played
        {person} in the film about {topic}|when was {place} first mentioned|when does the next season of {topic} start|how many {thing2}s are
        there in {place}|where does the phrase {topic} come from|where was the film about {person} shot|what happened to {person} during the
        war|what is a {thing2} made of|What number did {person} live at?|which {thing2} has the most moons|who is the current president of
        {place}|what kind of {thing2} lives in {place}|which {thing2} won the world cup in {place}|the {thing2} with the largest population|
        which part of {place} is closest to the equator|I need dates for {thing2} events in {place}|Check my calendar for {occasion}|Are there
        any {thing2}s near me?|Find a {thing2} in {place} for the 4th of this month|I'm looking for {thing2} events|I'd like a {thing2} with
        oat milk|is the {thing2} open on sunday|how far is {place} from {place}|transfer {number} dollars to my savings|what's on my credit
        card bill|what does a {thing2} cost|where can i see a {thing2} tonight|Does {place} have a {thing2}?|name of the {thing2} in the story
        of {person}|what is the purpose of a {thing2} in {subject}|how old do you have to be to own a {thing2}|meaning of the {thing2} in
        {place}|who discovered the {thing2}|What has a {thing2} but no {thing2}?|The {thing2} is a lie.|{thing2}s are not allowed to lie|
        Every {thing2} deserves a second chance.""",
    ("CODE", "write"): """Write a {lang} function that {task}.|Write a function that {task}|write a {lang} program which {task}|Can you write a
        script that {task} in {lang}?|Implement a class in {lang} that {task}|I need a {lang} script that {task}|Create a {lib} app that {task}
        |Give me an example of {thing} in {lang}|Show me how to write {thing} in {lang}|Generate {lang} code that {task}|{lang} code that {task}
        |Write unit tests for a function that {task}|Write a regular expression that matches {field}|Write a SQL query that lists all {field}
        per customer|one-liner in {lang} that {task}|Build a simple {lib} page that {task}|Design a database schema for {field}|make a
        website with {lib} that shows {field}|code a game of snake in {lang}|Write a Dockerfile for a {lib} service|write me a bash loop that
        {task}|Given an array of integers, write code that {task}.|Create an HTML page with a form for {field}|Implement quicksort in
        {lang}|write an algorithm that {task} in O(n) time|Convert this function from {lang} to {lang}|Port the code below to {lang}""",
    ("CODE", "ask"): """How do I use {thing} in {lang}?|how to delete {thing}|How to merge {thing} with {lib}?|how to add {thing} in {lib}|What
        is the difference between {thing} and {thing} in {lang}?|Why does my {lang} code give {error}?|Why do I get {error} in
        {lang}?|why am i getting {error}|What causes {error} in {lang}?|What does {error} mean?|how do i avoid {error}|Getting {error} when using {lib}|{error}
        in {lib} after update|I get {error} when I run my {lang} program, what is wrong?|How can I fix {error}?|my {lib} app crashes with
        {error}|{lib}: how to configure {thing}|{lang} - sort {field} by key|What does {thing} do in {lang}?|Explain {thing} in {lang} with an
        example|Explain what this code does|Is {lang} faster than {lang}?|what is the time complexity of a program that {task}|Best way to
        test {thing} with {lib}?|can I pass {thing} to a function in {lang}|How do I undo {thing} in git?|list all files larger than
        {number} MB in the current directory|find all lines that contain {error} in a log with grep|rename all files in a folder to lower
        case|How do I install {lib} on Ubuntu?|Should I use {lib} or {lib} for an API?|Optimize this {lang} loop|Refactor this code to use
        {thing}|Why is my query with {thing} so slow?|debug this for me: {error}|Help, {lib} does not see {thing}|How to speed up {lib} builds?
        |How do I read command line arguments in {lang}?|{lib} vs {lib}|what does git rebase do to {thing}|Cannot import {lib}, {error}|Find the
        bug in this code|How do closures work in {lang}?|convert a string to a date in {lang}|select rows where a column is null in {lib}""",
    ("CODE", "paste"): """Why does this not work?\\n\\n{code}|{code}|What does this code print?\\n\\n{code}|Fix this:\\n{code}|Add comments to this
        code.\\n\\n{code}|{code}\\n\\nWhy do I get {error}?|Complete the function:\\n\\n{code}|How can I make this faster?\\n```\\n{code}\\n```|
        Translate this to {lang}:\\n\\n{code}|I have this {lang} code:\\n\\n{code}\\n\\nIt fails with {error}. How do I fix it?|Review this
        code\\n{code}|Please review my pull request, the patch is below.\\n{patch}|{patch}|Is this change right?\\n{patch}|Explain this code step by step:\\n```\\n{code}\\n```|{error}\\n\\n{code}|write tests for\\n\\n{code}""",
    ("DOCS", "prefix"): """Summarize the following {doc}:|summarize this {doc}|Summarise the {doc} below in {number} words.|TL;DR|Give me a
        short summary of this {doc}|Translate the following {doc} into {language}:|Translate this to {language}:|translate the sentence
        below into {language}|Extract all {field} from the following {doc}.|extract the {field} from this {doc}|List the {field} mentioned in the
        {doc} below|Classify the following {doc} as {classes}.|Is the following {doc} {classes}?|Rewrite this {doc} in a more formal
        tone:|Paraphrase the {doc} below|Proofread this {doc}:|Correct the grammar in the following {doc}|Fix the spelling mistakes in this
        {doc}|Answer the question based on the {doc} below.|Based on the {doc}, answer the following questions.|Read the {doc} and answer|What is
        the main idea of this {doc}?|What is the tone of the following {doc}?|What does the author of this {doc} say about {subject}?|According to
        the {doc}, who is responsible?|Which {field} appear in the table below?|Turn the following {doc} into bullet points|Shorten this {doc} to
        {number} words:|Here is a {doc}. Find the {field}.|I will paste a {doc}, tell me whether it is {classes}|Convert the table below to
        JSON|From the data below, what is the total?|Compare the two {doc}s below|Find contradictions in this {doc}|Identify the {field} in the
        text|Use the following context to answer:|Given the {doc} below, list the {field}.|Does the {doc} mention {subject}?|Make a table of the
        {field} in this {doc}|Write a headline for this {doc}:|Write a summary of the {doc} below|Create a {number}-sentence abstract of
        the following {doc}|Label each sentence of the {doc} as {classes}|Generate questions about the following {doc}|Please read this {doc}
        carefully|Simplify the following {doc} for children:|Reply to this email:|Evaluate the following {doc}|Determine whether the claim is
        supported by the {doc}|What can be concluded from this {doc}?|In the {doc} above, what does the second sentence mean?""",
    ("DOCS", "passage"): """Summarize the following {doc}:\\n\\n{text}|{text}\\n\\nSummarize the text above.|{text}\\n\\nWhat are the {field} in
        this text?|What are the {field}?\\n\\n{text}|Translate into {language}:\\n\\n{sentence}|Translate to {language}: {sentence}|Translate to {language}: {short}|translate "{short}" into
        {language}|How do you say "{short}" in {language}?|Translate
        "{sentence}" to {language}|{text}\\n\\nTL;DR:|Extract the {field}:\\n{text}|Classify this as {classes}: {sentence}|Sentiment of this
        sentence: "{sentence}"|Rewrite this sentence more politely: {sentence}|Correct this: {sentence}|{text}|{sentence} {sentence}
        {sentence}|Read this and tell me who is involved.\\n\\n{text}|{text}\\n\\nQuestion: who decided?\\nAnswer:|Context: {text}\\n\\nQuestion: What
        happened first?|Which row has the highest value?\\n\\n{table}|{table}|{table}\\n\\nWhat is the total?|{table}\\n\\nwhich one is the largest?|{table}\\nWho is
        the oldest?|{table}\\n\\nHow many are there?|tldr: {text}|can you tldr this? {sentence} {sentence}|What does this say? {text}|Label
        each of these as {classes}: {sentence} / {sentence}|Here is my data:\\n{table}\\nWhich
        {field} are missing?|Turn this table into a sentence:\\n{table}|Premise: {sentence}\\nHypothesis: {sentence}\\nDoes the premise entail the
        hypothesis?|Is this {classes}?\\n\\n{sentence}|Paraphrase: {sentence}|Make this shorter: {text}|What is meant by "{sentence}" in this
        passage?\\n\\n{text}|Find the {field} in the following list:\\n{table}|Put these events in order:\\n{text}|Write a title for
        this:\\n\\n{text}|Proofread: {sentence}|Answer from the text only. When did it start?\\n\\n{text}""",
}

STORIES = [
    "My brother borrowed money from me two years ago and has never mentioned it since. Now he is buying a new car.",
    "I moved here in May and I still do not know anybody. At work everyone goes home at five, and the evenings are long.",
    "A stranger enters your shop shortly before closing time and asks for something you have never heard of.",
    "Last night I dreamed that I could fly, and today everything feels heavy. It has been like this since my birthday.",
    "You have just landed after a long voyage, the crew is tired, and the map turns out to be wrong. The people on the shore wave.",
    "We got a puppy for the children, but it barks whenever we leave the house. The neighbours have complained three times already.",
    "An old friend writes after ten years of silence and wants to meet. I am curious and a bit afraid.",
]
SHORT = ["hello, my friend", "good morning", "where is the station", "I love you", "see you tomorrow", "the bill, please", "thank you",
         "happy birthday", "what time is it", "my name is Paul"]
TEXTS = [
    "The town council met on Monday to decide about the old swimming pool. After two hours of debate, eleven members voted to close it in "
    "spring and to build a new one beside the school. Mayor Helen Ortiz said the repairs would have cost more than a new building. Several "
    "residents left the meeting in protest.",
    "Otters keep warm without a layer of fat. Their fur is the densest of any animal, with up to a million hairs on a patch the size of a "
    "stamp, and it traps air when they groom it. Scientists found that oil spills are so deadly to them because oil mats the fur and the "
    "cold water reaches the skin.",
    "Dear team,\n\nthe delivery planned for 14 March will be late by a week because the supplier in Gdansk has no more steel. Please tell "
    "your customers today. Anna will call the three largest ones herself. The invoice of 4,300 euros stays open until then.\n\nBest "
    "regards,\nPaul Winter",
    "Anna: Did you send the slides?\nTom: Not yet, the last chart is missing.\nAnna: We present at ten.\nTom: I know, Julia promised me the "
    "numbers by nine.\nAnna: Fine, then I will open with the budget.",
    "The hotel was clean and close to the station, but the room was loud and the breakfast was cold. When we complained, the woman at the "
    "desk was friendly and gave us a voucher. We would come back only for the view.",
    "This agreement begins on 1 June 2021 and ends after two years unless one of the parties gives notice three months before. The tenant "
    "pays 780 pounds on the first day of each month. Pets are allowed with written permission. The landlord repairs what is not broken by "
    "the tenant.",
    "Maria put the letter back into the drawer and listened. The steps on the stairs had stopped. For a while there was nothing but the rain "
    "on the roof; then somebody knocked, twice, softly, as if the house were full of sleeping children.",
    "Glass is made by melting sand with soda and lime at about 1,500 degrees. In the Middle Ages, Venetian workers on the island of Murano "
    "kept their recipes secret, and those who left could be punished. Today most window glass floats on a bath of liquid tin while it cools.",
    "Researchers asked 1,200 adults how often they walk. Those who walked more than four kilometres a day reported better sleep, but the "
    "effect disappeared when age was taken into account. The authors warn against drawing conclusions for patients.",
]
SENTENCES = [
    "The weather was so bad that the ferry did not leave.", "I has went to the market yesterday.", "Our new phone lasts two days without charging.",
    "She told him that she would never come back.", "The waiter forgot our order twice, and nobody said sorry.", "Prices rose by three percent in May.",
    "Where is the nearest train station?", "A man is playing the violin in the street.", "The company denied that it knew about the leak.",
    "He don't like neither of the movies.", "The children were asleep before the story ended.", "Nobody at the office had seen the letter.",
]
TABLES = [
    "Name | Age | City\nAnna | 31 | Oslo\nBen | 45 | Lima\nCara | 28 | Cairo", "month,sales,returns\nJan,120,4\nFeb,98,7\nMar,143,2",
    "id\tproduct\tprice\n1\tlamp\t24.90\n2\tchair\t79.00\n3\tdesk\t210.00", "- milk 2 l\n- flour 500 g\n- eggs 6\n- sugar 200 g",
    "| Team | Won | Lost |\n|---|---|---|\n| Reds | 12 | 3 |\n| Blues | 9 | 6 |", "Date: 3 May\nAmount: 45.20\nPaid by: card\nShop: Green Grocer",
    "country;population;area\nNorway;5400000;385207\nPeru;33000000;1285216", '{"guest": "Lee", "nights": 3, "breakfast": true, "price": 240}',
]
CODES = [
    "def mean(xs):\n    return sum(xs) / len(xs)", "for (int i = 0; i <= n; i++) {\n    total += a[i];\n}",
    "const items = await fetch('/api/items').then(r => r.json());\nconsole.log(items.lenght);", "SELECT name, COUNT(*) FROM orders WHERE total > 100;",
    "#include <stdio.h>\nint main(void)\n{\n    printf(\"%d\\n\", x);\n}", "public static void main(String[] args) {\n    System.out.println(args[0]);\n}",
    "import pandas as pd\ndf = pd.read_csv('a.csv')\nprint(df.groupby('x').mean())", "while read -r line; do\n  echo \"$line\" | cut -d: -f1\ndone < /etc/passwd",
    "function App() {\n  const [n, setN] = useState(0);\n  return <button onClick={setN(n + 1)}>{n}</button>;\n}", "fn main() {\n    let v = vec![1, 2];\n    let w = v;\n    println!(\"{:?}\", v);\n}",
    "Traceback (most recent call last):\n  File \"main.py\", line 3, in <module>\n    print(x[4])\nIndexError: list index out of range",
    ".box { display: flex; margin: 0 auto; }", "try:\n    load()\nexcept Exception as e:\n    pass", "a = [1,2,3]\nb = a\nb.append(4)\nprint(a)",
]


PATCHES = [
    "--- a/main.c\n+++ b/main.c\n@@ -3,2 +3,2 @@\n-    return x;\n+    return x + 1;", "- timeout = 10\n+ timeout = 30\n  retries = 3",
    "diff --git a/app.js b/app.js\n- let n = 1;\n+ const n = 1;", "@@ -1,4 +1,5 @@\n import os\n+import sys\n",
]


def alternatives(text):
    return [re.sub(r"\s+", " ", a).strip() for a in text.split("|")]


def prompts(per_pattern=8, seed=1):
    """The list, without repetitions."""
    slots = {name: alternatives(text) for name, text in SLOTS.items()} | {
        "text": TEXTS, "story": STORIES, "sentence": SENTENCES, "short": SHORT, "table": TABLES, "code": CODES, "patch": PATCHES}
    rng, seen, out = random.Random(seed), set(), []
    for (label, kind), text in PATTERNS.items():
        for pattern in alternatives(text):
            pattern = pattern.replace("\\n", "\n")
            for _ in range(per_pattern):
                filled = re.sub(r"\{(\w+)\}", lambda m: rng.choice(slots[m[1]]), pattern)
                style = rng.random()
                if style < 0.25:
                    filled = filled[:1].lower() + filled[1:]
                elif style < 0.35:
                    filled = rng.choice(["Please ", "please ", "Can you ", "hey, ", "Hi! "]) + filled[:1].lower() + filled[1:]
                if filled not in seen:
                    seen.add(filled)
                    out.append((label, "own:" + kind, filled))
    return out
