# SPDX-License-Identifier: MIT
"""Fillings of the patterns in scout_chat_prompts.py: alternatives between bars."""

SLOTS = {
    "topic": """the sea|autumn|a lonely robot|my grandmother's garden|space travel|a lost dog|the first day of school|friendship|winter
        mornings|a haunted lighthouse|city life|dragons|a football match|climate change|the moon|a small bakery|old trains|jealousy|rain
        |a talking cat|courage|a detective in Paris|growing up|the desert|night shifts|immigration|a broken clock|chess|silence|bees|coffee
        |a shy vampire|homework|mountains|first love|a road trip|pirates|losing a friend|a magic door|Mondays|grandparents|a stolen painting
        |stars|a village without children|forgiveness|the last tree|penguins|an unlucky wizard|summer camp|spiders|time travel|snow""",
    "subject": """photosynthesis|inflation|the French Revolution|black holes|vaccines|the stock market|plate tectonics|democracy|quantum
        physics|the water cycle|gravity|evolution|the Cold War|compound interest|DNA|the Silk Road|volcanoes|electric cars|blockchain
        |machine learning|the immune system|supply and demand|the Renaissance|nuclear power|sleep|glaciers|tides|antibiotics|jazz
        |stoicism|the ozone layer|nutrition labels|the electoral college|relativity|the placebo effect|rainbows|the Roman Empire|bitcoin
        |the Great Depression|feminism|intermittent fasting|the Big Bang|capitalism|minimum wage|artificial intelligence|yoga|Buddhism
        |the Ottoman Empire|mortgages|index funds|tectonic plates|coral reefs|existentialism|Brexit|the Black Death|cholesterol|opera
        |veganism|solar panels|the Industrial Revolution|hurricanes|migraines|the Vietnam War|remote work|homeschooling|heat pumps
        |the Hundred Years War|game theory|cognitive dissonance|the theory of mind|impressionism|hip hop|osmosis|the UN|genetic engineering""",
    "person": """Marie Curie|Napoleon|Albert Einstein|Cleopatra|Nelson Mandela|Shakespeare|Frida Kahlo|Isaac Newton|Gandhi|Mozart
        |Abraham Lincoln|Ada Lovelace|Leonardo da Vinci|Bob Marley|Queen Victoria|Rosa Parks|Beethoven|Alexander the Great|Socrates
        |Taylor Swift|Elon Musk|Hemingway|Julius Caesar|Darwin|Picasso|Churchill|Serena Williams|Genghis Khan|Nietzsche|Michael Jordan
        |Agatha Christie|David Bowie|Joan of Arc|Tolkien|Freud|Marilyn Monroe|Pele|Obama|Dickens|Kafka""",
    "place": """Japan|Peru|Berlin|Kenya|New York|Iceland|Portugal|Mexico City|the Alps|Vietnam|Morocco|Australia|Rome|Canada|Egypt
        |Scotland|Thailand|Norway|Chicago|Istanbul|India|Brazil|London|Texas|Greece|Singapore|Cuba|Prague|New Zealand|California""",
    "role": """a pirate|a travel guide|a job interviewer|a medieval knight|a fitness coach|a wise old wizard|a sarcastic barista|my
        therapist|a history teacher|a stand-up comedian|a sommelier|a career adviser|an English teacher|a chef|a poet|a detective
        |an alien visitor|a motivational speaker|a debate partner|a museum guide|a customer in a shop|my doctor|the captain of a starship
        |a vampire hunter|an astronaut on Mars|a grumpy innkeeper|a fairy godmother|a life coach|a philosopher|a nutritionist|a noir detective
        |a samurai|my best friend|a Victorian ghost|a dragon|the mayor of a small town|a financial adviser|a marriage counsellor|Sherlock Holmes
        |a football commentator|a tree|an elf queen|a spy behind enemy lines|a lighthouse keeper|a news anchor|a lawyer|a storyteller""",
    "food": """lasagna|sourdough bread|chicken soup|sushi|pancakes|a vegan curry|apple pie|fried rice|tacos|hummus|cheesecake|risotto
        |banana bread|leftover turkey|oatmeal|scrambled eggs|a pizza|lentils|roast potatoes|kimchi|an iced latte|guacamole|salmon|tofu""",
    "problem": """falling asleep|my noisy neighbour|procrastination|back pain|saving money|learning Spanish|a difficult boss|stage
        fright|a dying houseplant|stress at work|homesickness|too much screen time|a picky eater|my bad posture|making friends
        |running my first marathon|a long distance relationship|choosing a college|quitting smoking|moving to a new city|a job interview
        |dry skin|a toddler's tantrums|writer's block|credit card debt|a breakup|public speaking|meal prep|my anxiety|a barking dog|jet lag
        |buying a house|a first date|losing weight|imposter syndrome|a messy roommate|exam stress|getting up early|a new puppy|retirement""",
    "occasion": """my sister's wedding|a retirement party|my boss's birthday|a school graduation|an anniversary|a farewell|a job
        application|a thank you card|a housewarming|a funeral|a baby shower|Valentine's day|a picnic|Christmas with the in-laws
        |a family reunion|Mother's day|a road trip|a rainy Sunday|a dinner party|a company offsite|Halloween|New Year's Eve""",
    "form": """poem|short story|haiku|song|limerick|fairy tale|speech|monologue|love letter|riddle|joke|bedtime story|sonnet|rap|blog
        post|essay|dialogue|movie scene|slogan|fable|diary entry|script|ballad|letter|toast|tongue twister|horror story|obituary|jingle
        |sketch|screenplay|eulogy|comedy routine|newspaper column|podcast intro|acrostic|ghost story|science fiction story|motivational quote""",
    "listed": """continents|colours of the rainbow|oceans|kings of England|seasons|stages of sleep|bones of the hand
        |largest cities in Europe|noble gases|seven wonders of the world|types of clouds|Olympic sports|members
        of the Beatles|phases of the moon|human senses|American presidents|countries in South America|strings of
        a violin|vitamins|moons of Jupiter""",
    "number": "2|3|4|5|6|7|8|9|10|12|15|18|20|24|25|30|36|40|45|48|60|72|75|90|100|120|144|150|200|250|300|500|1000",
    "thing": """computer|treaty|river|lion|planet|team|concert|governor|guitar|museum|tree|king|latte|game|restaurant|engine|telescope|currency
        |whale|church|sandwich|star|language|empire|volcano|bank|robot|phone|television|book|map|clock|satellite|train|border|law|song|bridge
        |castle|olympics|helicopter|vaccine|pyramid|stamp|umbrella|airport|president|submarine|movie|newspaper|lighthouse|bicycle|violin
        |heart|bone|metal|dinosaur|cathedral|trophy|island|desert|microscope|flag|anthem|zip code|world cup|battery|refrigerator""",
    "work": """Hamlet|Star Wars|The Great Gatsby|Titanic|Moby Dick|The Office|Game of Thrones|Bohemian Rhapsody|the Mona Lisa|1984|Harry Potter
        |The Lord of the Rings|Pride and Prejudice|Breaking Bad|the Odyssey|The Godfather|Animal Farm|Frozen|Don Quixote|Macbeth|Inception
        |Friends|Les Miserables|Jurassic Park|Dracula|the Bible|Casablanca|The Beatles' last album|Swan Lake|Frankenstein|Stranger Things""",
    "item": """{animal}|{food}|{place}|{person}|{topic}|{subject}|{word}|{work}|lawyer|nurse|wheelbarrow|ukulele|badminton|umbrella|thunder|butterfly|baker
        |push-up|black sheep|nostalgia|thesaurus|teapot|giraffe|carpenter|ramen|Halloween|curiosity|karma|moonlight|farmer|marathon|cactus|origami""",
    "coachinput": """you with a topic|you some details about my life|my symptoms|the place where I am|a song that I like|information about my goals|my budget
        and taste|you questions about history|a situation at work|my favourite films|you a feeling|the names of two people|details about my
        company|what I ate today|you a dream that I had|a word|some facts about a student|a theme for the lesson|you my birth date""",
    "coachtask": """suggest what to do next|give advice that helps me|create a plan for the week|answer as that person would|explain the ideas in simple
        words|come up with a story|recommend similar ones|tell jokes about it|diagnose what might be wrong|write lyrics in the same mood|guide me
        through an exercise|argue for the other side|motivate me|invent a recipe|describe what I see and hear|write a short speech|propose
        ways to reach more people|predict my future|find fun places nearby|play the other part|ask me the questions of an interview""",
    "role2": "teacher|mayor|doctor|neighbour|coach|priest|minister|grandmother|scientist|taxi driver",
    "servicedo": """book a table|reserve a room|find a restaurant|buy tickets for {work}|see a doctor|rent a car|watch a movie|go to {place}|get a haircut|listen to some
        music|transfer money|pay my bill|plan my vacation|find a dentist|take a bus to {place}|check my account|order {food}|order {drink}|look for a
        house|find something fun to do|schedule a visit|change my flight|know the weather|hire a therapist|make an appointment|find an attraction
        in {place}|eat something spicy|attend a concert|leave on {day}|open an account|cancel my reservation|return a pair of shoes""",
    "servicething": """a restaurant|a cheap hotel|a flight to {place}|a good movie|events|a concert|something to do|a dentist|a two bedroom apartment|a bus|a
        rental car|a hair salon|a place to eat|some jazz|tickets for the game|a one way flight|an attraction|a psychiatrist|a gas station|a room|
        a nice park|somewhere to go with kids|a new phone plan|a song by {person}|a theatre|a vegan place|an art show|a gym|a train to {place}""",
    "drink": "a latte|a cappuccino|an americano|a large coffee|a hot chocolate|an iced mocha|a chai|two espressos|a cup of green tea|a flat white|a lemonade|a frappuccino|a macchiato|a smoothie",
    "milk": "oat milk|almond milk|extra cream|caramel syrup|skim milk|vanilla|whipped cream|cinnamon|less ice|an extra shot",
    "day": "Monday|Friday|Saturday|next week|the 4th|March 14th|tomorrow|the weekend|Sunday|tonight",
    "hero": """{a famous/an experienced/a young/a retired/the first/a struggling/a world-class/an eccentric/a clever/a professional/an ancient/a brave/a friendly/an ambitious}
        {scientist/chef/explorer/detective/wizard/teacher/astronaut/author/psychologist/farmer/knight/inventor/nurse/musician/historian/diplomat/coach/queen/pirate
        captain/robot/ghost/gardener/meteorologist/economist/journalist/time traveller/librarian/mountain guide/fashion designer/film critic/poet/oracle/lawyer/king
        /mermaid/artist/politician/engineer/veterinarian/comedian/monk/botanist/sailor/magician/entrepreneur/debater/philosopher}|{person}|{role}|{person}, {presenting a new
        idea/at the end of a long life/arriving in our time/speaking to students/writing to a friend}""",
    "inscene": """{who is/standing/caught/working/stranded/living/speaking} {in a world without {topic}/before the royal court/in a small village near {place}/on a distant planet/at a
        conference on {subject}/in a haunted castle/in the middle of a storm/at the first meeting with {person}/during the last days of the war/in {place}}""",
    "heroask": """{Describe/Explain/Discuss/Share/Tell us about/Write about/Present/Reflect on/Reveal/Defend/Talk about/Give insights into/Explore/Recount/Outline/Analyze/Express} {the
        advantages of {subject}/your greatest discovery/the importance of {topic}/how you deal with {problem}/your feelings about {topic}/the future of {subject}/the risks
        of {subject}/your latest adventure/what inspires you/the secret of {topic}/how you met {person}/your plan to save the kingdom/the challenges of {problem}/your daily life}
        {./ to a curious audience./ and offer advice./ and how it will change the world./ in a poem./ in your own words./ and what you learned./, and be persuasive.}
        |{What do you say to them?/How do you respond?/What advice would you give?/What do you do next?/How would you feel?/What cryptic message would you deliver?/Answer a question about
        {problem}./Convince them to help you./Give a speech on {topic}./Provide some wisdom./Introduce yourself./Answer the questions of a reporter./Greet the visitors./Try to
        scare them away./What would you change?/How does it work, and what are the risks?}""",
    "stagework": """an engaging talk on {topic}|creative ideas for {occasion}|a healthy plan for people with {problem}|original lyrics about {topic}|a strategy to solve {problem}|stories
        that capture the imagination|an exhibition of {topic}|advice for couples who fight about {problem}|exciting plots with interesting characters|a campaign for {whom}""",
    "stagework2": """research both sides and draw persuasive conclusions|use your wit and creativity to make a routine|suggest remedies that are safe|write a story with an unexpected end
        |reply with what the character sees|give detailed feedback on what I feel|find similar places nearby|recommend what to watch|explain it with everyday examples|help me to
        understand {subject}|describe the atmosphere and the people|answer like {person}|design a garden for it|write a verse in that mood|teach me how to {chore}""",
    "stagemeans": """plot, tone, acting and music|personal anecdotes and humour|the culture and history of {place}|metaphors, rhymes and rhythm|what people need to feel good|both the risks and
        the benefits|current events and trends|the age and the taste of the guests|techniques such as meditation and breathing|unexpected twists""",
    "stagegoal": """make people feel something|help everyone come away with new insights|keep the audience interested until the end|find a solution that is fair|inspire young
        people|make us laugh|teach {subject} without boring anybody|touch the reader's heart|be honest and kind""",
    "stagegoal2": """It should be relatable and funny|Your answers should be clear and useful|You should also include personal experience|Try to be as creative as possible|Use simple
        language|Think about what a real person would say|Stay in the role whatever I say|You may ask me questions before""",
    "remark": """It is about a family that moves to {place} and falls apart.|He played two roles and the critics hated it.|They won {number} games in a row and then lost the final.
        |She wrote it in a café in {place} when she was {number}.|The average game has only {number} minutes of action.|It is the most watched show of the year and the cast is amazing.|There
        is no rule against it; nobody has ever tried.|Many people are making fun of it.|It was held on the first Sunday in May, right on schedule.|{person} once owned {number} cats.|He is
        the next coach of {place}, and he had a great year.|The {thing} there is older than the {thing} in {place}.|They make more money than the president does.|{place} has more {thing}s than
        people.|Snakes always scare me.|The first {thing} was sold for {number} dollars.|{person} and {person} were neighbours for years.|An octopus has three hearts.|The quarterback is hurt
        again, so they have a challenge ahead of them.|Half of the country watched it on tv.|It only scored {number} percent with the critics.|Bill Murray crashed a party in {place} and did the
        dishes.|The word {word} comes from Latin.|Sharks are older than trees.|That singer is a magnet for trouble.|The new season starts in the fall.|He just passed away, so sad.|My {animal} is
        smarter than me.|Nobody knows who built it.|Ticket prices have gone up again.|The {thing} in the lobby was made by {person}.""",
    "scene": """The king has fallen ill, and the council suspects poison.|A massive storm has left the village without light, and the bridge to {place} is gone.|The travellers ask how to end a war
        that has lasted {number} years.|The children are aged {number} and {number}; one throws tantrums, the other refuses to eat.|A group of adventurers with swords and bows sneaks past the
        gate to steal the treasure.|The mirror is said to bring misfortune to those who look into it.|The driver is conscious but cannot move his legs.|In the land of Athera two armies
        meet at dawn.|The patient, {firstname}, cannot sleep since she lost her job.|The crew has food for {number} days and nobody answers the radio.|The audience consists of young
        engineers who have never heard of {subject}.|A customer complains that the {food} is cold and wants his money back.|The company has lost {number} percent of its customers to a
        rival.|Temperature: {number} degrees, wind from the west, rain likely in the evening.|{firstname} and {firstname} have been together for {number} years and argue about money.|An old
        letter is found behind the wall of the library.|The spaceship lands in a garden, and a small figure with green eyes climbs out.|The team lost the last {number} matches, and the
        captain wants to quit.|The river has turned red overnight, and the fish are singing.|A stranger offers a ticket to {place} for a secret.|{hero} and {hero} are stuck in a lift.
        |The guests have arrived, but the cook has disappeared.|The device glows when somebody lies.|The student is talented but afraid of failing.""",
    "animal": "cat|dog|ginger cat|goldfish|parrot|hamster|horse|rabbit|puppy|tortoise",
    "word": "happy|melancholy|serendipity|big|run|ephemeral|beautiful|gregarious|fast|ubiquitous|orange|silver|stoic|petrichor",
    "whom": """a coffee shop|my best friend|a dog grooming business|a ten year old|beginners|busy parents|the beach|a vegetarian family|a charity run
        |my blog about cats|a startup that sells umbrellas|a fantasy novel|a band of four drummers|retired people|a bakery|first-year students
        |a podcast about history|a new colleague|my mother|a week in {place}|somebody who lost a job|{topic}|{topic}|{topic}|{occasion}|{occasion}
        |a rainy afternoon|a mountain bike|an eco-friendly soap|my twin brother|a football club|a child who is afraid of the dark|a yoga studio
        |a bookshop|small talk|my new kitten|the school newspaper|a toothbrush|a library|job seekers|a cheese lover|people who hate running""",
    "mailto": """my landlord about the heating|my boss asking for a raise|a customer whose parcel is late|my professor about an extension|a friend who moved away
        |the council about the bins|a recruiter|all staff about the summer party|my neighbour whose fence I broke|HR about parental leave|the bank
        |a hotel to cancel my booking|the new team member|my ex|the parents of my pupils|a company that sold me a broken {thing}|my grandmother
        |{occasion}|that I am leaving the company|the opening of a new shop|a position as a nurse|a refund|two days off|a meeting next week""",
    "listable": """ideas for {occasion}|tips for {problem}|facts about {subject}|reasons to visit {place}|ways to {chore}|names for a {animal}|examples of
        {subject}|questions to ask in an interview|healthy snacks|countries in Africa|words that rhyme with cat|benefits of {subject}|books about
        {topic}|famous people from {place}|types of clouds|activities for children|adjectives for a hero|hobbies for the winter|inventions of the
        19th century|synonyms for happy|arguments against {subject}|rivers in Europe|jobs for people who like {topic}|songs about {topic}
        |habits of successful people|animals that live in the desert|ideas for a blog|rules of {subject}|exercises for the back|creative uses
        of a paper clip|questions about {subject}|signs of stress|movies like {work}|board games for two|steps to {chore}|green vegetables""",
    "chore": """poach an egg|cook rice|paint a fence|clean the oven|iron a shirt|change a tyre|plant tomatoes|tie a tie|lose weight|sell a
        used car|buy stocks or bonds|rent a flat|get a passport|train a puppy|play the guitar|bake bread|remove a wine stain|fold a fitted
        sheet|save for retirement|sleep better|write a will|throw a party|learn to swim|repair a bicycle|get rid of ants|meditate|grow a
        beard|prepare for an exam|ask for a raise|invest in gold|knit a scarf|vote by mail|make yoghurt|apologise to a friend|quit my job
        |unclog a sink|start a vegetable garden|travel alone|study abroad|adopt a cat|stop worrying|say no|wake up early|remember names|drink
        less|make new friends as an adult|improve my handwriting|whiten teeth|cut my own hair|pack light|become a pilot|fix a leaking tap
        |learn the piano|forgive somebody|stay awake|talk to strangers|break up with him|choose a mattress|hang a picture|raise chickens""",
    "whyfact": """the sky is blue|cats purr|the sea is salty|we dream|money makes people happy|the moon causes tides|Pluto is not a planet|ice floats|leaves
        turn red|the Roman Empire fell|coffee keeps you awake|dogs understand words|the earth is round|people yawn|birds migrate|social media is bad
        for teenagers|homework should be banned|sugar makes children hyper|we only use ten percent of our brain|bats are blind|honey never spoils
        |school should start later|pineapple belongs on pizza|robots will take our jobs|time travel is possible|zoos are cruel|reading is better
        than television|everything happens for a reason|winter is the best season|goldfish have no memory|lightning never strikes twice""",
    "whyq": """the sky blue|flamingos pink|cats hate water|we yawn|airplanes leave trails|onions make you cry|the dinosaurs die out|people afraid of the dark
        |leaves change colour|bread rise|the Titanic sink|bees important|golf balls have dimples|stars twinkle|the Berlin Wall fall|my plant leaves
        turn yellow|men go bald|diamonds so expensive|we have leap years|the British drive on the left|dogs wag their tails|fingers wrinkle in
        water|rents so high|the dollar so strong|I always tired|people so mean|teenagers sleep late|mosquitoes bite me more""",
    "whatif": """the moon disappeared|everybody could fly|money did not exist|dinosaurs were still alive|nobody had to sleep|animals could talk|the internet
        stopped for a year|the Roman Empire had never fallen|you could live forever|it rained for a hundred years|humans had tails|one day all
        colours vanish|you wake up and are the last person|your dog starts to speak|the earth stopped spinning|the dead come back on Sundays""",
    "yesno": """{subject} dangerous|{place} bigger than {place}|a tomato a fruit|sharks sleep|dogs eat grapes|{person} still alive|there life on Mars|it ok to
        skip breakfast|a whale a fish|you swim after eating|i take ibuprofen with coffee|penguins fly|{work} based on a true story|a guitar have
        six strings|{place} have a king|{person} ever visit {place}|the sun a star|plants feel pain|it rain tomorrow|coffee bad for you|eggs
        healthy|women live longer than men|I get a dog or a cat|cold showers help|the election matter|glass a liquid|snakes have bones""",
    "category": """a fruit|mammals|a planet|a colour|string instruments|a country in Europe|not a vegetable|a verb|an even number|heavier than water|a team
        sport|alive or extinct|a primary colour|found in a kitchen|a city or a country|dangerous|a dog breed|a metal or a gas|the largest""",
    "things": """whale, bat, penguin, dolphin|apple, carrot, plum, leek|Mars, Sirius, Venus, Titan|violin, drum, harp, flute|Peru, Norway, Laos, Malta|red, cube,
        green, blue|tennis, rowing, chess, judo|iron, neon, gold, helium|dodo, panda, mammoth, wolf|poodle, lynx, beagle, puma|2, 9, 14, 27|oak, tulip,
        pine, rose|Paris, Chile, Rome, Kenya|fork, hammer, pan, saw|trout, robin, eagle, cod|cello, gudok, cajon, oboe""",
    "question": """What is the largest kind of bear?|What is the smallest country in the world?|Which two states have no income tax?|What did Columbus think he had found?|Who was the mother of Queen
        Elizabeth I?|Which Russian leader was known as the Terrible?|What prison stood on an island near San Francisco?|What film won the most awards in 1960?|In which sport do you use a shuttlecock?
        |What was the first animal in space?|What object did Newton see falling?|What colour are the seats in the House of Lords?|Which American president was a film star?|What does NATO stand for?|How many
        strings does a cello have?|What number comes after a million?|Which river flows through Vienna?|What happens when you freeze an egg?|What happens if you swallow a seed?|Where did fortune cookies
        originate?|What percentage of the body is water?|Do vampires exist?|What is the correct way to hold chopsticks?|Why do veins appear blue?|Who really caused the Great Fire of London?|What should you
        do when it is raining and the sun is out?|Is it illegal to pick mushrooms in England?|What are the benefits of eating an apple a day?|what kind of money to take to cuba?|what did martin luther
        do?|where is the mississippi river located?|what time zone am i in in texas|who is the voice of the bear in the film|what to see in paris in spring|what currency do they use in iceland|who plays the
        queen in the crown|what language do people in brazil speak|Where do monarch butterflies go in winter?|Which of Shakespeare's plays has a ghost?|What type of animal is a komodo dragon?|What's
        the name of the cat in Alice in Wonderland?|Which group had a hit with Dancing Queen?|What is cricket?|What are the colours of the Italian flag?|What weapon did samurai carry?|Which gland makes
        insulin?|Who succeeded Churchill as prime minister?|In chess, which piece moves diagonally?|Which spirit is used in a mojito?|What was the last dynasty of China?|What bird cannot fly?|Which
        metal is liquid at room temperature?|What crosses the street but never moves?|What is worn by the bride in India?|Which country gave America the statue of liberty?|At what age do children lose
        their teeth?|How many moons does Saturn have?|How did the Vikings navigate?|Who got the first Nobel prize in physics?|Which sea creature has three hearts?|Do geese see God when they fly?|Where
        can I watch the eclipse?|How come the moon looks bigger near the horizon?|Would a penny dropped from a tower hurt anybody?|What is the largest organ of the human body?|Who painted the Sistine Chapel?|What has four legs in the morning?|How many legs does a spider
        have?|What is the boiling point of water?|Which gas do plants take in?|Who was the first man on the moon?|What colour is a polar bear's skin?
        |How long does light take from the sun to the earth?|What do you call a group of crows?|Which planet has the most moons?|Why do we have
        seasons?|who sang the theme of the movie|when did the ice age end|what year was {person} born|where do pandas live|how many players are in
        a rugby team|what is the rarest blood type|who built the great wall|when is the best time to visit {place}|Can money buy happiness?|Is
        {subject} good for you?|How does {subject} work?|What is the meaning of life?|Where would you go if you had a time machine?|What makes
        a good leader?|How do planes fly?|Which is healthier, butter or margarine?|How should I prepare for {occasion}?|Do animals dream?""",
    "opening": """Once upon a time there was a {animal} who|It was a dark and stormy night|The last train had left when|An apple a day|Roses are red|A man walks into a
        bar|She opened the letter and|The early bird|I woke up and everything was blue|Deep in the forest lived|The best thing about Mondays is|When
        life gives you lemons|The door creaked open|If I were a bird|Nobody believed the old sailor until|My biggest fear is""",
    "situation": """My brother borrowed money from me two years ago and has never mentioned it since.|I moved here in May and I still do not know anybody.|A stranger
        enters your shop shortly before closing time.|I've been married for ten years and lately we hardly talk.|You have just landed after a long
        voyage and the map turns out to be wrong.|We got a puppy for the children, but it barks whenever we leave.|An old friend writes after ten
        years of silence and wants to meet.|I'm 28 and still live with my parents.|My roommate eats my food and denies it.|I was passed over for a
        promotion again.|My landlord wants to keep the deposit because of a scratch.|I think my boyfriend is hiding something from me.|my dog ate a
        whole bar of chocolate|i cant sleep since i changed jobs|My daughter refuses to go to school.|I have been offered a job in {place}, but my
        husband doesn't want to move.|I feel like I'm wasting my twenties.|I got a speeding ticket in {place} on holiday.|My knee hurts when I climb
        stairs.|I inherited some money and have no idea about investing.|My coworker takes credit for my ideas.|My car makes a strange noise when I
        brake.|i told my best friend a secret and now everybody knows|I'm 16 and I want to be a writer.|My neighbours play loud music every night.
        |I want to surprise my wife for our anniversary but I only have 50 dollars.|I always freeze when I have to speak in front of people.|My
        mother is getting old and forgets things.|I have an essay due on Monday and no idea what to write about.|My plants keep dying.""",
    "firstname": "Anna|Ben|Maria|Tom|Sam|Olivia|Raj|Mei|Carlos|Lucy|Ahmed|Jack|Nina|Peter|Sophie|Kofi|Ella|Hugo|Jenny|Omar",
    "countable": "apples|marbles|cookies|books|stickers|eggs|flowers|pencils|coins|chairs|tickets|pages|oranges|cards|balloons|dollars|boxes|fish|cupcakes|miles",
}
