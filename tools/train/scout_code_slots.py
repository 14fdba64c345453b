# SPDX-License-Identifier: MIT
"""Fillings of the patterns in scout_code_prompts.py: alternatives between bars, or one a line where they hold bars."""


def lines(text):
    return [line.replace("\\n", "\n").replace("\\t", "\t") for line in text.strip().split("\n")]


SLOTS = {
    "lang": """Python|JavaScript|Java|C++|C#|Go|Rust|Ruby|PHP|TypeScript|Kotlin|Swift|Bash|SQL|R|Perl|Haskell|Scala|MATLAB|Lua|C|Dart|Julia
        |PowerShell|VBA|Elixir|assembly|VB.NET|Objective-C|Fortran|python|javascript|java|c++|c|golang|bash|php|rust|python3|js|ts|Clojure""",
    "lib": """React|Django|pandas|numpy|Spring Boot|Node.js|Flask|TensorFlow|Kubernetes|Docker|Angular|Vue|PostgreSQL|MongoDB|git|Redis
        |PyTorch|Laravel|jQuery|Android Studio|nginx|AWS Lambda|Unity|Terraform|FastAPI|matplotlib|Express|Rails|webpack|MySQL|SQLite|WPF
        |Entity Framework|Hibernate|Selenium|opencv|scikit-learn|Next.js|Svelte|Tailwind|Electron|Flutter|SwiftUI|LINQ|Spark|Airflow|Kafka
        |GraphQL|D3|three.js|pygame|BeautifulSoup|SQLAlchemy|asp.net mvc|Qt|Wordpress|Excel|Visual Studio|Eclipse|Xcode|vim|Emacs|Jenkins
        |Apache|Tomcat|Magento|Drupal|Ajax|cmake|gdb|ffmpeg|LaTeX|Svn|Oracle|Sharepoint|Cocoa|Hadoop|ggplot2|dplyr|tmux|systemd|Maven""",
    "verb": """sort|reverse|split|join|merge|filter|group|count|parse|print|read|write|loop over|iterate over|remove duplicates from|flatten|copy
        |convert|compare|validate|serialize|encrypt|download|upload|rename|delete|replace|find|get|set|check|load|save|export|import|format
        |append to|slice|search|cache|mock|test|debug|pass|return|override|access|declare|initialise|initialize|hide|disable|redirect|bind
        |store|select|update|insert into|index|resize|generate|run|call|extract|concatenate|swap|shuffle|round|cast|escape|encode|decode|sum
        |compress|query|stream|display|refresh|clear|listen to|handle|catch|log|detect changes in|create|change|make|add|show|use|center""",
    "codeobject": """a list of dictionaries|a nested dictionary|a string with multiple delimiters|an array of objects by date|a csv file line by line
        |a large json file|two dataframes on different columns|columns with missing values|a column to datetime|an xml document|a binary search tree
        |a linked list|a hash map|a file without loading it into memory|environment variables|command line arguments|the last commit
        |a remote branch|a docker volume|all rows with null values|duplicate rows in a table|a foreign key|the current url|a form on submit
        |an input field|a dropdown|a table cell|a div horizontally|the selected option|a component's state|query parameters|a cookie|http headers
        |a POST request with a body|a jwt token|an image to base64|a date string to a timestamp|a timestamp to local time|unix time|a substring
        |the first regex match|whitespace at the end of lines|special characters|utf-8 text|a 2d array|every nth element|the index of the minimum
        |a private method|a global variable|an abstract class|an enum value to string|a generic type|a function pointer|a void pointer
        |a char array to int|an integer to binary|hex to decimal|a thread from another thread|a background task|a subprocess and its output
        |a goroutine|a promise|an event listener|a click outside a modal|a webcam stream|a pdf with images|an excel sheet|a zip archive in memory
        |a web page after login|a self-signed certificate|a port in use|files by size|old log files|a folder recursively|symbolic links
        |a stored procedure|a left join with conditions|the top 3 rows per group|a view controller|a custom view|a listview item|push notifications
        |an sqlite database on android|a keyboard shortcut|a legend outside the plot|two y axes|subplots with one colorbar|a confusion matrix
        |a tensor on the gpu|model weights|a column of lists|strings in a data frame|a multiindex|an iterator twice|a tuple in a set
        |default arguments|keyword arguments|an exception with a message|a unit test with a database|a singleton|a session variable
        |a list in reverse order|a map by value|objects by two properties|an object key dynamically|an immutable object|a deep copy of an object
        |null values|an infinite scroll|a loading spinner|the mouse position|css variables|a media query|a background image|an svg icon
        |fonts in a pdf|the build number|a private repository|a git submodule|a release build|a dll|shared libraries|a makefile target
        |a memory mapped file|a bit mask|a matrix diagonal|a sparse matrix|prime factors|all permutations of a string|an http proxy|a socket
        |records from a paginated API|xml namespaces|an ajax call in a loop|a partial view|a wildcard in a path|the working directory""",
    "codedata": """a list of tuples|a list of strings like ['a1','b2']|a dataframe with columns date and price|a pandas dataframe|a data frame with two
        columns|an array of objects|a json file with nested arrays|a table with 10 million rows|two tables, users and orders|a string like
        "x=1;y=2"|a dictionary of lists|a vector of pointers|a numpy array of shape (n, 3)|a txt file with one number per line|a csv with headers
        |a list of lists of different lengths|an html table|a form with two buttons|a react component with state|a component that fetches data
        |a class with a private field|an abstract base class|an interface with two methods|a loop that calls an API|a docker container running
        postgres|a cron job|a bash script with arguments|a folder full of images|a log file|a git repository with two branches|a string variable
        |an integer n|a sorted array|a binary tree|an rest api|a stored procedure|a makefile|a view with a button|a parent div and a child div
        |an enum|a generic method|a thread pool|a database column of type jsonb|a multidimensional array|an object with dynamic keys|a regex
        |a map of string to list|a url with query parameters|a matrix|a set of intervals|a unix timestamp|a model with a foreign key""",
    "task": """reverses a string|sorts a list of numbers|checks for palindromes|finds the shortest path|reads a CSV file|removes duplicates|lists prime
        numbers|parses JSON|connects to a database|sends an email|counts words in a file|merges two sorted lists|downloads a page|validates an email
        address|resizes images|renders a bar chart|caches results|logs in a user|converts units|uploads a file|watches a folder for changes
        |backs up a database every night|rolls dice|encrypts a file with a password|prints a calendar|rotates log files|converts markdown to html
        |checks whether a site is up|renames photos by date|plays rock paper scissors|calculates loan payments|tracks expenses|posts a daily message
        |generates random passwords|scrapes job offers|draws the mandelbrot set|finds anagrams|splits a pdf|syncs two folders|computes a checksum""",
    "task2": """sort words by length|find the longest line in a file|merge two dictionaries|compute the n-th Fibonacci number|read numbers until zero
        |flatten a nested list|count vowels|swap two variables|find missing numbers|schedule jobs|parse dates|check balanced brackets|draw a
        triangle of stars|compute a moving average|retry a request three times|convert roman numerals|memoize calls|transpose a matrix""",
    "shelltask": """list files by size|find files modified in the last day|count lines in all files|kill a process on port 8080|see open ports|copy a folder
        over ssh|delete all empty directories|replace text in many files|follow a log file|check disk usage|unzip into another folder|run a
        command every minute|make a file executable|add a user to a group|see running services|mount a usb drive|exit vim|search the command history
        |redirect stderr to a file|show hidden files|compare two directories|change file owner recursively|print the last 20 lines|create a symlink
        |extract a tar.gz|set an environment variable permanently|undo the last commit|delete a local branch|discard local changes|remove all stopped
        containers|restart the network|find which package owns a file|download a file with resume|split a big file|sum a column of numbers
        |find the largest files|remove duplicate lines|rename files in bulk|show the routing table|list all users|get the public ip|schedule a reboot
        |grep recursively but skip node_modules|archive directories older than a month|cut the first ten seconds of a video|concatenate mp3 files
        |print the process tree|check the kernel version|count unique lines|convert all png to jpg|generate an ssh key|find broken symlinks""",
    "concept": """recursion|pointers|closures|inheritance|polymorphism|dependency injection|async/await|promises|callbacks|threads and processes|mutexes
        |garbage collection|the event loop|a deadlock|race conditions|interfaces and abstract classes|generics|templates|decorators|generators
        |list comprehensions|lambda functions|hash tables|binary trees|B-trees|stack and heap|call by reference|immutability|monads|currying
        |the virtual DOM|hooks|server side rendering|REST|GraphQL|websockets|OAuth|JWT|CORS|cookies|sessions|docker volumes|containers|virtual
        machines|indexes|transactions|normalisation|left join|inner join|foreign keys|sharding|replication|unit tests|mocks|TDD|CI/CD|git
        rebase|git merge|a pull request|semantic versioning|big O notation|dynamic programming|memoization|bit shifting|two's complement|unicode
        |utf-8|floating point|null and undefined|== and ===|let and var|a struct and a class|a list and a tuple|an array and a vector|fork and exec
        |malloc and calloc|static variables|the this keyword|self|scope|hoisting|namespaces|header files|linking|move semantics|ownership|borrowing
        |reflection|serialization|middleware|MVC|microservices|message queues|a reverse proxy|DNS|TCP and UDP|SSL certificates|ssh tunnels""",
    "algorithm": """quicksort|mergesort|binary search|dijkstra|breadth first search|depth first search|A* search|the sieve of Eratosthenes|bubble sort|heap
        sort|the knapsack problem|the n-queens problem|tower of hanoi|two sum|longest common subsequence|edit distance|LRU cache|a trie|a bloom
        filter|a skip list|union find|kruskal|topological sort|k-means|linear regression|gradient descent|a neural network|naive bayes|a decision tree
        |PageRank|huffman coding|RSA|sha256|base64|matrix multiplication|fast exponentiation|gcd|fizzbuzz|fibonacci|reverse a linked list
        |detect a cycle in a linked list|merge intervals|level order traversal|a ring buffer|consistent hashing|rate limiting|minimax|sudoku solver""",
    "app": """a todo app|a chat application|a weather app|a snake game|tetris|a tic tac toe game|a calculator|a blog|an online shop|a url shortener|a
        markdown editor|a password manager|a web scraper|a chess engine|a quiz app|a budget tracker|a booking system|an inventory system|a pomodoro
        timer|a file server|a dashboard|a landing page|a portfolio website|a recipe app|a library management system|a parking lot|a social network|a
        photo gallery|a music player|a flappy bird clone|a hangman game|a stopwatch|a polling app|a ticket system|a kanban board|a time tracker""",
    "component": """a REST API|login page|payment service|user service|react component|node server|python script|docker container|bash script|for loop|sql query
        |stored procedure|android app|ios app|css animation|websocket connection|cron job|unit test|lambda function|flask app|django view|api
        endpoint|kubernetes pod|background worker|event handler|dropdown menu|regex|while loop|recursive function|makefile|parser|csv importer
        |database migration|java program|c program|pandas code|excel macro|discord bot|navbar|form validation|file upload|shopping cart""",
    "pattern": """email addresses|phone numbers|dates like 2021-03-04|postcodes|urls|ip addresses|hex colours|words in quotes|html tags|numbers with two
        decimals|lines that don't start with #|repeated words|everything between brackets|hashtags|a strong password|trailing commas|credit card
        numbers|the last path segment|camelCase words|iso timestamps|uuid|three digits followed by a letter""",
    "sqlgoal": """the second highest salary|customers without orders|total sales per month|the five best selling products|employees who earn more than their
        manager|duplicate emails|the average order value per country|users who logged in last week|the latest order of each customer|a running
        total|all films released after 2010|the department with the most employees|products never sold|days with no sales|how many singers there are
        |names of students older than 20|the names of all clubs and their cities|the number of flights per airline""",
    "ident": """is_valid|parseDate|get_total|UserService|calculate_area|Rectangle|BankAccount|findMax|countWords|Stack|ShoppingCart|to_snake_case|Animal
        |removeVowels|sum_even|Matrix|LinkedList|encode|chunk|isLeapYear|Vehicle|Student|TimeParser|merge_dicts""",
    "fault": """a segmentation fault|NullPointerException|TypeError: undefined is not a function|a syntax error|KeyError
        |a memory leak|an infinite loop|a 404 error|permission denied|ModuleNotFoundError|a merge conflict|CORS
        errors|a deadlock|stack overflow|IndexError: list index out of range|connection refused|an unexpected
        token|exit code 137|undefined reference to main|error: expected ';' before '}' token""",
    "construct": """two branches|a Docker container|the last commit|a foreign key|a for loop|an environment variable|a
        nested object|two dataframes|an async function|a unit test|a cron job|a regex for dates|a REST endpoint
        |a virtual environment|a dropdown menu|an abstract class|a hash map|an SSH key|a build pipeline|a
        listbox|a css grid|a stored procedure|an index on a table""",
    "field": """names|prices|email addresses|phone numbers|orders|photos|dates|tasks|skills""",
    "number": "3|5|7|12|24|30|45|60|90|120|150|15|8|18|250",
    "techthing": """a custom field|the view model|list items|site collections|where clauses|stored procedures|a many to many relationship|the navigation bar|plugin
        settings|the build output|user permissions|session state|the master page|unit tests|a web service|XML namespaces|static methods|the context menu|a
        background thread|config files|database connections|the app icon|lambda expressions|extension methods|a product attribute|image thumbnails|the admin
        panel|rewrite rules|virtual hosts|environment variables|form validation|page templates|dependencies|record types|type classes|child nodes|data
        binding|generic types|event handlers|an actor|implicit conversions|checkboxes|cell formatting|a pivot table|macros|named ranges|subversion
        hooks|ignored files|branches|merge conflicts|breakpoints|code completion|keyboard shortcuts|the debugger|date ranges|sequences|triggers|bulk
        inserts|query results|axis labels|matrices|figure windows|signals and slots|layouts|custom widgets|entities|lazy loading|transactions|beans
        |json responses|post data|cookies|timers|animations|table views|core data records|memory warnings|notifications|certificates|an installer
        |shell variables|pipes|return codes|file descriptors|menu items|shortcodes|taxonomies|custom posts|search results|workflows|web parts|a dll
        |document libraries|conditional statements|string literals|function arguments|pattern matching|monad transformers|http requests|log output""",
    "shellwhat": """files|directories|*.txt files|symbolic links|regular files|.c and .h files|lines|empty folders|log files|files named "core"|processes|jpg images|hidden
        files|sub-directories|files and directories|shell scripts|the ".bak" files|broken links|setuid files|mounted file systems""",
    "shellwhere": """under the current directory|in "/etc"|in the current folder|in the /home directory tree|under "$dir"|recursively|in the directory "mydir"|on the system|starting from
        the root directory|below /usr/local|in the home directory|in the folder and its sub-folders|of the current user|not in ".git"|""",
    "shellcond": """were modified in the last {number} days|are larger than {number} MB|contain the word "main"|are writable by the group|have not been accessed in the last 24 hours|are
        owned by "bob"|end in ".{ext}"|have execute permission|start with a digit|are newer than "file1"|belong to no user|do not match "*test*"|are exactly
        {number} bytes long|were changed less than {number} minutes ago|have more than one link|differ in case only""",
    "ext": "txt|log|py|sh|c|html|conf|java|csv|php|jpg|bak",
    "errorline": lines(r"""
TypeError: cannot read properties of undefined (reading 'map')
TypeError: unsupported operand type(s) for +: 'int' and 'str'
ModuleNotFoundError: No module named 'requests'
ImportError: cannot import name 'url_for' from 'flask'
IndexError: list index out of range
KeyError: 'id'
ValueError: could not convert string to float: 'abc'
AttributeError: 'NoneType' object has no attribute 'text'
SyntaxError: unexpected EOF while parsing
SyntaxError: Unexpected token < in JSON at position 0
ReferenceError: x is not defined
IndentationError: expected an indented block
RecursionError: maximum recursion depth exceeded
UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff
java.lang.NullPointerException
java.lang.OutOfMemoryError: Java heap space
Exception in thread "main" java.lang.ArrayIndexOutOfBoundsException: 5
error: expected ';' before 'return'
error: use of undeclared identifier 'foo'
undefined reference to `main'
fatal error: stdio.h: No such file or directory
Segmentation fault (core dumped)
segfault
bash: node: command not found
permission denied
zsh: permission denied: ./run.sh
fatal: not a git repository
fatal: refusing to merge unrelated histories
error: failed to push some refs to 'origin'
npm ERR! missing script: start
npm ERR! code EACCES
pip: externally-managed-environment
ERROR: Could not build wheels for numpy
CORS policy: No 'Access-Control-Allow-Origin' header
404 not found
500 internal server error
502 bad gateway nginx
401 unauthorized
connection refused on port 5432
ECONNREFUSED 127.0.0.1:3306
ssl certificate verify failed
CrashLoopBackOff
ImagePullBackOff
no space left on device
OOMKilled
CUDA out of memory
RuntimeError: expected scalar type Float but found Double
ORA-00942: table or view does not exist
ERROR 1045 (28000): Access denied for user 'root'@'localhost'
duplicate key value violates unique constraint
Unhandled promise rejection
Uncaught ReferenceError: $ is not defined
cannot find symbol
incompatible types: String cannot be converted to int
invalid literal for int() with base 10
E: Unable to locate package
borrowed value does not live long enough
cannot use x (type int) as type string in argument
Object reference not set to an instance of an object
error CS1061
Gradle build failed
Warning: Each child in a list should have a unique key
Too many re-renders
Maximum call stack size exceeded
exit code 137
stack smashing detected
deadlock detected
No such file or directory
address already in use
"""),
    "snippet": lines(r"""
ls -la | grep ".txt"
chmod 755
rm -rf node_modules
sudo apt-get install
git reset --hard HEAD~1
git push --force-with-lease
git stash pop
find . -type f -name '*.py' | xargs wc -l
tar -xzvf
2>&1
ps aux | grep python
awk '{print $2}' file
sed -i 's/a/b/g' *.txt
curl -X POST -d '{"a":1}' localhost:8000
docker run -it --rm ubuntu bash
kubectl get pods -A
x = x if x else y
[i for i in range(10) if i % 2]
lambda x: x[1]
*args, **kwargs
int *p = &x;
for (;;)
i++ + ++i
a ?? b
a?.b
arr[::-1]
arr.reduce((a, b) => a + b, 0)
^[a-z0-9]+$
(?<=\d)(?=(\d{3})+$)
\b\w+@\w+\.com\b
SELECT * FROM users WHERE id = 1 OR 1=1
SELECT DISTINCT name FROM t ORDER BY 1
GROUP BY HAVING COUNT(*) > 1
@Override
#pragma once
using namespace std;
if __name__ == "__main__":
std::move
const char * const
=VLOOKUP(A2,B:C,2,FALSE)
=SUMIF(A:A,"x",B:B)
0 3 * * 1
export PATH=$PATH:~/bin
display: flex; justify-content: center
position: absolute
useEffect(() => {}, [])
npm install --save-dev
pip install -r requirements.txt
ssh -L 8080:localhost:80 host
grep -rnw . -e 'foo'
x >> 1
~x
"""),
    "config": lines(r"""
version: '3'\nservices:\n  web:\n    image: nginx\n    ports:\n      - "80:80"
server {\n    listen 80;\n    root /var/www/html;\n}
FROM node:18\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD ["npm", "start"]
apiVersion: v1\nkind: Service\nmetadata:\n  name: web
[Unit]\nDescription=My service\n[Service]\nExecStart=/usr/bin/app
name: CI\non: [push]\njobs:\n  build:\n    runs-on: ubuntu-latest
all: main.o\n\tgcc -o main main.o
{\n  "compilerOptions": {\n    "strict": true\n  }\n}
resource "aws_s3_bucket" "b" {\n  bucket = "logs"\n}
[mysqld]\nmax_connections = 200
Host *\n    ServerAliveInterval 60
<VirtualHost *:80>\n    DocumentRoot /srv/www\n</VirtualHost>
* * * * * /home/me/run.sh
{\n  "name": "app",\n  "scripts": { "start": "node index.js" }\n}
"""),
    "log": lines(r"""
Traceback (most recent call last):\n  File "app.py", line 12, in <module>\n    main()\nTypeError: main() missing 1 required positional argument
Exception in thread "main" java.lang.NullPointerException\n\tat com.example.App.main(App.java:14)
main.c: In function 'main':\nmain.c:7:5: warning: implicit declaration of function 'foo'
error[E0382]: use of moved value: `v`\n --> src/main.rs:5:20
2023-05-01 12:00:03 ERROR [http-8080] Connection pool exhausted
panic: runtime error: index out of range [3] with length 3\n\ngoroutine 1 [running]:
Failed to compile.\n./src/App.js\nModule not found: Can't resolve './Nav'
npm ERR! code ELIFECYCLE\nnpm ERR! errno 1
make: *** [Makefile:12: all] Error 2
CMake Error at CMakeLists.txt:3 (find_package):
E/AndroidRuntime: FATAL EXCEPTION: main
Uncaught TypeError: $(...).modal is not a function\n    at index.js:22
psql: error: FATAL: password authentication failed for user "app"
ld: symbol(s) not found for architecture arm64
Error: listen EADDRINUSE: address already in use :::3000
[12345.678] Out of memory: Killed process 812 (java)
"""),
    "patch": lines(r"""
--- a/main.c\n+++ b/main.c\n@@ -3,2 +3,2 @@\n-    return x;\n+    return x + 1;
- timeout = 10\n+ timeout = 30\n  retries = 3
diff --git a/app.js b/app.js\n- let n = 1;\n+ const n = 1;
@@ -1,4 +1,5 @@\n import os\n+import sys
"""),
    "code": lines(r"""
def mean(xs):\n    return sum(xs) / len(xs)
for (int i = 0; i <= n; i++) {\n    total += a[i];\n}
const items = await fetch('/api/items').then(r => r.json());\nconsole.log(items.lenght);
SELECT name, COUNT(*) FROM orders WHERE total > 100;
#include <stdio.h>\nint main(void)\n{\n    printf("%d\\n", x);\n}
public static void main(String[] args) {\n    System.out.println(args[0]);\n}
import pandas as pd\ndf = pd.read_csv('a.csv')\nprint(df.groupby('x').mean())
while read -r line; do\n  echo "$line" | cut -d: -f1\ndone < /etc/passwd
function App() {\n  const [n, setN] = useState(0);\n  return <button onClick={setN(n + 1)}>{n}</button>;\n}
fn main() {\n    let v = vec![1, 2];\n    let w = v;\n    println!("{:?}", v);\n}
.box { display: flex; margin: 0 auto; }
try:\n    load()\nexcept Exception as e:\n    pass
a = [1,2,3]\nb = a\nb.append(4)\nprint(a)
<form action="/login" method="post">\n  <input name="user">\n</form>
class Dog(Animal):\n    def speak(self):\n        return "woof"
int* f() {\n    int x = 5;\n    return &x;\n}
let total = 0;\nfor (const x of xs) total =+ x;
x <- c(1, 2, NA)\nmean(x)
public class Cat implements Animal {\n    private String name;\n}
func main() {\n\tch := make(chan int)\n\tch <- 1\n}
if x = 5:\n    print "yes"
echo "<p>" . $_GET['name'] . "</p>";
UPDATE users SET active = 0;
import numpy as np\na = np.zeros(3)\na[3] = 1
async function run() {\n  items.forEach(async i => await save(i));\n}
std::vector<int> v;\nfor (auto it = v.begin(); it != v.end(); ++it)\n    v.erase(it);
def f(n):\n    return n * f(n-1)
#!/bin/bash\nfor f in *.txt; do mv $f ${f%.txt}.md; done
Sub Copy()\n    Range("A1").Copy\nEnd Sub
<div class="row">\n  <div class="col">a</div>\n</div>
while True:\n    x += 1\n    if x > 10: break
var xs = from u in users where u.Age > 18 select u.Name;
ALTER TABLE t ADD COLUMN c INT NOT NULL;
module.exports = (req, res) => { res.send('ok') }
data = json.loads(response.text)["items"]
"""),
}
