# SPDX-License-Identifier: MIT
"""What people ask about a text, a table or data that they give: patterns, one a line, by kind (scout_prompts.py fills them).

{slot} is filled from scout_docs_slots.py, {one/other/} is a choice, \\n a line break."""

PATTERNS = {
    "announce": r"""
{Summarize/Summarise/summarize/summarise/Sum up/Condense/Abridge/Recap/Shorten/Boil down/Give me the gist of/give a tl;dr of} {the following/this/the/my/the attached/the above/that/these} {doc}{:/./ below/ in {number} words/ in one sentence/ for a busy reader/ as bullet points/ please/}
{Translate/translate/Please translate/can you translate/could you translate/how would you translate} {this/the following/the/my/these} {doc/sentence/sentences/phrase/lyrics/lines/menu/recipe/message} {to/into} {tongue}{:/./ please/ and keep the tone/}
{Rewrite/Rephrase/Reword/Paraphrase/Polish/Improve/Edit/Revise/Proofread/Proof read/Spellcheck/Correct/Simplify/Fix/Clean up/Restructure/Format/Tidy up} {this/the following/my/the/these} {doc}{:/./ below/ so that it sounds {tone}/ to make it {tone}/ and explain the changes/ without changing the meaning/ please/ in british english/}
{make/Make} {this/my/the following/the} {doc/sentence/paragraph/email/text/reply} {sound /}{more /less /}{tone}{:/./ please/}
{Extract/extract/Pull out/Find/List/Identify/Highlight/Underline/Collect/Get me/Locate/Count} {all/all the/the/every/any/} {field} {from/in/mentioned in/that occur in/out of} {the following/this/the/my/the given} {doc}{:/./ below/ and put them in a table/ as JSON/ as a list/}
{Classify/classify/Categorize/Categorise/Label/Tag/Rate/Score/Judge/Grade} {the following/this/these/the sentiment of this/the tone of the following/each of these} {doc/reviews/tweets/comments/sentences/headlines/tickets/messages} {as/into} {classes}{:/./}
{Is/is} {this/the following/the given} {doc/sentence/review/tweet/claim/comment/statement/email} {classes}{?/:}
{What is/what's/Determine/Identify/Decide/Guess/Describe} the {sentiment/tone/mood/main idea/main point/topic/genre/intended audience/purpose/language/central argument/author's opinion/key message/bias/conclusion} {of/in/expressed in} {this/the following/the} {doc}{?/:/./}
{Answer/answer/Please answer} {the question/the following questions/my question/these questions} {based on/using only/from/according to/using/with the help of/given/about} {the/this/the following/the given/the provided} {doc/passage/context/table/information}{./:/ below./, and quote the sentence./ If it is not there, say so./}
{Based on/According to/Using/Given/From/Considering/In/Going by/After reading/With reference to} {this/the/the following/the above/the provided/the given} {doc/passage/table/reference text/extract/information}{, /. /: }{docq}
Given {a reference text/this paragraph/a text/an article/the following passage/a description} {about/on/of} {theme}, {docq}
{Read/Please read/Look at/Consider/Study/Take/Analyze/Analyse/Have a look at/Check/Review/Evaluate} {this/the following/my/the} {doc/table/passage/data/chart data/list}{ and / carefully, then /. /: }{docq}
{Here is/Here's/Below is/This is/I have/I got/I received/I'm pasting/I will paste/I'll give you/I will give you/Attached is/Consider} {a/an/my/the/some} {doc/transcript/customer review/table/list of names/spreadsheet/chat log/reading passage/report}{. /, /: /; }{Summarize it/summarise it for me/extract the {field}/tell me what it says about {theme}/find the mistakes/answer the questions/translate it to {tongue}/what are the key points/rewrite it/is it {classes}/turn it into bullet points/write a reply}{./ please/:/}
{docq}
{docq}\n
{Turn/Convert/Reformat/Transform/Change/Put/Rewrite/Organise} {this/the following/these/my} {doc/list/table/notes/data/bullet points/sentence} {into/to} {bullet points/a table/JSON/prose/a paragraph/plain English/active voice/past tense/a formal letter/markdown/CSV/a timeline/a list/minutes/an agenda/a poem/third person/reported speech/simple language/title case/flash cards}{:/./ please/}
{Compare/Contrast/Check/Find contradictions between/Merge/Which is better written of/Find the differences between} {the two/these two/both/the following two} {doc}s{:/./ below./ and list the differences./}
{Write/Generate/Create/Give/Suggest/Compose/Draft/Produce} {a/an/the} {title/headline/summary/abstract/caption/reply/response/short version/TL;DR/synopsis/subject line/conclusion/question/quiz/set of questions/list of keywords/critique/comment/follow-up question/tweet/review} {for/of/to/about/based on} {this/the following/the/my/the given} {doc}{:/./ below/}
{Does/Do/does/Can} {the/this/the following} {doc/passage/text/clause/evidence/second sentence/statement} {say/mention/imply/support/contradict/follow from/answer/mean/entail/state} {that {claim}/anything about {theme}/the claim/the first one/the question/who is responsible/when it happened}{?/:}
{tldr/TLDR/TL;DR/tl;dr/summary/summarize/summarise/sum up/key points/bullet points/proofread/paraphrase/rephrase/reword/translate/shorten/simplify/grammar check/fix grammar/correct this/fix spelling/extract names/sentiment/keywords/reply to this/explain this paragraph/what does this mean}{: / - /:\n/\n\n/ this: /}
{Fill in/Complete/Fill} the {blanks/gaps/missing words/empty cells} {in/of} {the following/this} {doc/sentence/table}{:/./}
{Choose/Select/Pick/Mark} the {best answer/correct option/right summary/true statement/best title} {for/based on/according to} {the/this} {passage/text/paragraph/story/dialogue}{./:}
{Remove/Replace/Delete/Add/Mask/Anonymise/Anonymize/Capitalise/Expand} {all/the/every} {field/names/filler words/adverbs/passive constructions/repetitions/commas/abbreviations/personal data} {in/from/of/to} {this/the following/my} {doc}{:/./ please/}
{Sort/Order/Group/Filter/Sum/Total/Average/Deduplicate/Alphabetise/Count/Rank} {the/these/this/my} {rows/entries/items/lines/list of names/survey answers/expenses/records/names below/columns of this table}{ by date/ by price/ by last name/ by theme/ per month/ below/}{:/./}
{Which/What/How many/Who} {row/rows/column/entry/person/item/month/product/team/country} {in/of/from} {the/this/my} {table/list/data/spreadsheet/csv/report} {has the highest value/is missing/costs most/appears twice/comes first/are above {number}/do not add up}{?/:}
{I want you to act as/Act as/You are/Be} {a proofreader/an editor/a translator from English to {tongue}/a summariser/a copy editor/a text classifier/a note-taker/a fact checker/a strict grammar teacher/an information extraction system/an essay grader}{. I will/. I'll/, I will} {paste/give you/send you/provide} {a {doc}/paragraphs/sentences/texts} {and you/to} {return the corrected text/translate it/list the {field}/label it {classes}/summarise each one/tell me what is wrong}{./}
{Link/Annotate/Tag/Mark/Find/List} {the entities/the part of speech of each word/the verbs/the nouns/the adjectives/named entities/all dates/the pronouns/the subject and object} in {this/the following/the given/each} {sentence/text/paragraph}{:/./}
{Rank/Match/Compare/Score} {these/the following/the} {answers/summaries/candidates/essays/reviews/CVs/sentences/translations} {by quality/against the job description/by relevance to the query/from best to worst/with the reference}{:/./}
""",
    "first": r"""
{passage}
{passage}
{passage}
{passage}
{passage}\n{docq}
{passage}\n\n{docq}
{passage}\n\n{docq}
{passage} {docq}
{passage}\n\n{Summarize/Summarise/Translate to {tongue}/Summarize the text above/tl;dr/TL;DR:/Sum this up/Rewrite this in plain English/Proofread/Fix the grammar/make it shorter/make this more {tone}/list the {field}/extract the {field}/Give it a title/write a reply/is this {classes}?/bullet points please/Explain this to a child/Rewrite in third person/Put this in a table/Turn it into a poem/key points?}
{passage}\n\n{Question/Q}: {compq}{\nAnswer:/\nA:/}
{passage}\n{compq}
{passage} {compq}
{sentence}\n{translate to {tongue}/correct?/is this grammatical?/rephrase/make it more {tone}/which tense is this?/sentiment?}
"{sentence}"{ - / }{is that correct English?/translate/what does the writer mean?/rewrite this/say this in {tongue}/positive or negative?/too formal?}
{table}
{table}
{table}\n\n{tableq}
{table}\n{tableq}
{dialogue}
{dialogue}\n\n{docq}
{dialogue}\n{Summarize the conversation/What did they agree on?/who is late?/turn this into minutes/What will happen next?/write a summary in two sentences}
{mail}
{mail}\n\n{reply to this/write a polite reply/summarise this email/what does she want?/is this rude?/draft an answer saying no/translate to {tongue}/extract the dates/make it more {tone}}
""",
    "after": r"""
{docq}\n\n{passage}
{docq}\n{passage}
{compq}\n\n{passage}
{compq} {passage}
{Summarize/Summarise/TLDR/tl;dr/Sum up/Summary of this/In one sentence/Key points/Main idea}{: /:\n\n/\n\n/ this: } {passage}
{Translate/translate} {to/into} {tongue}{: /:\n/ - } {sentence}
{Translate/how do you say/say} "{sentence}" {to/into/in} {tongue}{?/}
{Proofread/Correct/Fix the grammar/fix/is this right/Rephrase/Paraphrase/Rewrite/Simplify/Make more {tone}/Reword/shorten/Is this sentence correct/punctuate/improve}{: /:\n/? / - } {sentence}
{Sentiment/Classify as {classes}/Is this {classes}/Positive or negative/Label/Topic/spam or not/Tone}{: /? /:\n} "{sentence}"
{Extract/List/Find} {the/all} {field}{: /:\n\n/ in: / from: } {passage}
{Context/Passage/Text/Article/Paragraph/Document/Background/Input/Story/Reference/Abstract/Excerpt/Review/Source}: {passage}\n\n{Question/Q/Task/Instruction/Query}: {compq}\n{Answer/A/Output/}{:/}
{Question/Q/Query}: {compq}\n{Context/Passage/Text/Article/Paragraph/Document/Source}: {passage}\n{Answer/A}:
{Premise/Sentence 1/Text A/Statement 1/First}: {sentence}\n{Hypothesis/Sentence 2/Text B/Statement 2/Second}: {sentence}\n{Does the first entail the second?/Same meaning?/entailment, neutral or contradiction?/Do they contradict each other?/Answer yes or no.}
Claim: {claim}\nEvidence: {passage}\n{Is the claim supported?/supported or refuted?}
{tableq}\n\n{table}
{tableq}\n{table}
{What did they decide/Summarise the meeting/Write minutes/who said what/Action items/What is the conversation about/Summarize the dialogue/Why is he upset}{?/:}\n\n{dialogue}
{Reply to this email/Answer this mail/what should I reply/Summarize this email thread/is this email too harsh/Rewrite this email/respond politely}{:/?/.}\n\n{mail}
{Edit/Improve/Check/Look over/Proofread/Criticise/Review/Rate} {my/this/the} {essay/cover letter/speech/email/bio/abstract/statement/introduction/CV}{:/./, be honest./ below.}\n\n{passage}
{What does/What is meant by/Explain the phrase/Who is/Why does the author say} "{sentence}" {mean in this text/in the passage/in the second paragraph}{?/:}\n\n{passage}
Give me {a summary/the main points/the {field}/a title/three questions/a translation into {tongue}/a simpler version/the gist} of {this/the following}{:/.}\n\n{passage}
{Explain/Interpret/Analyse/Analyze} {this/the following} {poem/paragraph/clause/quote/abstract/passage/lyrics/verse/sentence}{:\n\n/: /.\n\n}{passage}
Rewrite {the given sentence/this sentence/the following} {in the passive voice/in the past tense/as a question/without the word "the"/in {tongue}/using a synonym/so it is {tone}}{.\n\n/: /:\n}{sentence}
You {are given/will be given/are provided with/will see/will read} {a/an} {doc/passage/sentence/question and a passage/review/pair of sentences/table}{. /, and }{Your task is to/you need to/You must/Your job is to} {answer the question/classify it as {classes}/extract the {field}/summarise it/decide whether they mean the same/translate it/find the mistake/generate a question}{.\n\n/.\n/:\n}{passage}
""",
    "prefix": r"""
Summarize the following {doc}:
summarize this {doc}
Summarise the {doc} below in {number} words.
TL;DR
Give me a short summary of this {doc}
Translate the following {doc} into {tongue}:
Translate this to {tongue}:
translate the sentence below into {tongue}
Extract all {field} from the following {doc}.
extract the {field} from this {doc}
List the {field} mentioned in the {doc} below
Classify the following {doc} as {classes}.
Is the following {doc} {classes}?
Rewrite this {doc} in a more formal tone:
Paraphrase the {doc} below
Proofread this {doc}:
Correct the grammar in the following {doc}
Fix the spelling mistakes in this {doc}
Answer the question based on the {doc} below.
Based on the {doc}, answer the following questions.
Read the {doc} and answer
What is the main idea of this {doc}?
What is the tone of the following {doc}?
What does the author of this {doc} say about {theme}?
According to the {doc}, who is responsible?
Which {field} appear in the table below?
Turn the following {doc} into bullet points
Shorten this {doc} to {number} words:
Here is a {doc}. Find the {field}.
I will paste a {doc}, tell me whether it is {classes}
Convert the table below to JSON
From the data below, what is the total?
Compare the two {doc}s below
Find contradictions in this {doc}
Identify the {field} in the text
Use the following context to answer:
Given the {doc} below, list the {field}.
Does the {doc} mention {theme}?
Make a table of the {field} in this {doc}
Write a headline for this {doc}:
Write a summary of the {doc} below
Create a {number}-sentence abstract of the following {doc}
Label each sentence of the {doc} as {classes}
Generate questions about the following {doc}
Please read this {doc} carefully
Simplify the following {doc} for children:
Reply to this email:
Evaluate the following {doc}
Determine whether the claim is supported by the {doc}
What can be concluded from this {doc}?
In the {doc} above, what does the second sentence mean?
""",
    "passage": r"""
Summarize the following {doc}:\n\n{passage}
{passage}\n\nSummarize the text above.
{passage}\n\nWhat are the {field} in this text?
What are the {field}?\n\n{passage}
Translate into {tongue}:\n\n{sentence}
Translate to {tongue}: {sentence}
Translate to {tongue}: {short}
translate "{short}" into {tongue}
How do you say "{short}" in {tongue}?
Translate "{sentence}" to {tongue}
{passage}\n\nTL;DR:
Extract the {field}:\n{passage}
Classify this as {classes}: {sentence}
Sentiment of this sentence: "{sentence}"
Rewrite this sentence more politely: {sentence}
Correct this: {sentence}
{passage}
{sentence} {sentence} {sentence}
Read this and tell me who is involved.\n\n{passage}
{passage}\n\nQuestion: who decided?\nAnswer:
Context: {passage}\n\nQuestion: What happened first?
Which row has the highest value?\n\n{table}
{table}
{table}\n\nWhat is the total?
{table}\n\nwhich one is the largest?
{table}\nWho is the oldest?
{table}\n\nHow many are there?
tldr: {passage}
can you tldr this? {sentence} {sentence}
What does this say? {passage}
Label each of these as {classes}: {sentence} / {sentence}
Here is my data:\n{table}\nWhich {field} are missing?
Turn this table into a sentence:\n{table}
Premise: {sentence}\nHypothesis: {sentence}\nDoes the premise entail the hypothesis?
Is this {classes}?\n\n{sentence}
Paraphrase: {sentence}
Make this shorter: {passage}
What is meant by "{sentence}" in this passage?\n\n{passage}
Find the {field} in the following list:\n{table}
Put these events in order:\n{passage}
Write a title for this:\n\n{passage}
Proofread: {sentence}
Answer from the text only. When did it start?\n\n{passage}
""",
}
