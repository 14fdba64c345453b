# SPDX-License-Identifier: MIT
"""Words that say something about an intent whatever the text's source: the Scout counts them by kind.

They are written down here, not learned, so that a word that no training text holds still counts with its kind. All lower
case, letters only: what a text is cut into (see scout_features.py). A word may be of several kinds."""

KINDS = {
    "language": """python javascript typescript java kotlin swift golang rust ruby php perl haskell scala bash shell sql mysql postgres
        postgresql sqlite mongodb mariadb oracle html css scss matlab fortran cobol lua dart julia powershell assembly vba
        latex regex regexp graphql xpath jquery nodejs node clojure erlang elixir ocaml groovy delphi pascal solidity verilog
        vhdl awk sed makefile dockerfile plsql tsql linq csharp cpp js ts py asm wasm webassembly prolog lisp scheme objective
        abap ada cuda ejs erb hcl haml jinja jsonb kql lex mdx nim objectivec octave plpgsql postscript protobuf racket rexx
        sass smalltalk sparql svelte systemverilog tcl vb vbscript vbnet visualbasic xaml xhtml xslt xsd yacc zig zsh ksh
        fsharp coffeescript python3 py3 c99 markdown yaml toml json xml csv""",
    "tool": """react angular vue svelte django flask fastapi spring hibernate rails laravel symfony express numpy pandas matplotlib
        seaborn scipy sklearn scikit tensorflow pytorch keras docker kubernetes kubectl helm git github gitlab svn mercurial
        maven gradle npm yarn pip conda webpack babel vite nginx apache tomcat redis kafka rabbitmq spark hadoop hive aws
        azure gcp lambda linux ubuntu debian centos unix posix android ios xcode eclipse intellij vscode vim emacs qt gtk
        opengl cuda opencl opencv boost junit pytest selenium playwright cypress jest wordpress drupal magento joomla
        firebase heroku terraform ansible jenkins cmake meson gcc clang llvm gdb valgrind bootstrap tailwind jsx nextjs nuxt
        redux rxjs dotnet asp wpf winforms xamarin flutter unity unreal godot arduino raspberry esp systemd cron ssh rsync
        curl wget grep find tar chmod sudo apt brew ffmpeg swiftui cocoa jpa jdbc odbc orm sqlalchemy prisma beautifulsoup
        scrapy requests pydantic asyncio celery gunicorn tkinter pygame lodash moment axios socketio websocket oauth jwt cors
        ajax dom api apis sdk cli gui ide jvm jdk dll vm virtualenv venv localhost visualstudio uikit svg canvas webgl excel
        osx macos windows cmd winapi win32 directx directshow silverlight sharepoint iis mvc mvvm razor blazor signalr nuget
        nunit xunit mstest moq resharper clickonce ado linqpad subversion tortoise bitbucket azuredevops circleci sonar
        sonarqube nexus artifactory jboss wildfly glassfish weblogic websphere jsf jsp servlet servlets javafx awt lombok
        mybatis guava log4j slf4j mockito cocoapods uiview uitableview viewcontroller coredata storyboard appdelegate nsstring
        nsarray firefox chrome safari extjs dojo mootools backbone knockout handlebars mustache gulp grunt bower browserify
        rollup esbuild eslint prettier typeorm sequelize mongoose knex hapi deno electron cordova ionic phonegap reactnative
        polars dask pyspark hdfs zookeeper cassandra couchdb neo4j influxdb dynamodb s3 ec2 iam cloudformation cloudfront
        route53 sqs sns bigquery airflow dbt tableau powerbi grafana elasticsearch kibana logstash splunk datadog sentry
        vagrant virtualbox vmware qemu kvm hyperv podman openshift haproxy varnish postfix smtp imap ldap dns dhcp ssl tls
        openssl vpn nat iptables firewall ufw selinux samba nfs lvm raid ext4 ntfs zfs grub bios uefi cups tmux nano sublime
        textmate netbeans pycharm phpstorm webstorm rstudio jupyter colab spyder anaconda pipenv tox flake8 pylint mypy ruff
        numba cython sympy nltk spacy gensim huggingface transformers langchain xgboost lightgbm vulkan sdl sfml blender stl
        mfc atl com activex gtkmm cmakelists autotools autoconf bazel ninja vcpkg makefiles doxygen javadoc swagger openapi
        postman insomnia wsdl wcf grpc mqtt amqp paypal twilio shopify prestashop opencart woocommerce elementor yii
        codeigniter zend cakephp twig smarty doctrine eloquent phpunit phpmyadmin xampp wamp cpanel htaccess rspec capybara
        sidekiq activerecord bundler gemfile rvm rbenv crates tokio serde ggplot ggplot2 dplyr tidyr tidyverse knitr rmarkdown
        simulink""",
    "code": """function functions method methods class classes variable variables array arrays dictionary dict tuple tuples integer
        integers int float double boolean bool char varchar pointer pointers struct enum loop loops recursion recursive
        recursively iterate iterating iterator algorithm algorithms compile compiles compiler compiled compilation syntax
        exception exceptions stacktrace traceback segfault debug debugging debugger refactor refactoring unittest endpoint
        endpoints parse parser parsing query queries database databases dataframe dataframes thread threads threading
        multithreading mutex async await asynchronous callback callbacks promise promises closure closures decorator
        decorators interface interfaces inheritance polymorphism constructor destructor instance instances namespace module
        modules import imports framework frameworks http https url urls socket sockets script scripts scripting terminal
        directory directories filename filenames filesystem stdin stdout stderr binary bytes hex hexadecimal unicode utf ascii
        encode decode encoding decoding hash hashmap hashtable linked queue heap sorted sorting substring substrings
        palindrome fibonacci factorial matrix program code codes coding programming programmer implement implements
        implementation implementing snippet repository repo commit commits merge rebase branch deploy deployment runtime null
        undefined nan println printf console parameter parameters argument arguments args flag flags backend frontend
        fullstack middleware button checkbox dropdown textbox div span stylesheet selector plugin widget webpage webpages
        website server servers client proxy cache caching daemon subprocess process processes kernel cpu gpu memory leak leaks
        garbage allocator allocate malloc template templates generic generics override overload overloaded static void const
        mutable immutable lambda yield bug bugs crash crashes crashing stack overflow runtimeerror typeerror valueerror
        keyerror nullpointer nullpointerexception nosuchmethod undefinedbehavior regex tokenizer serialize deserialize
        serialization json cookie cookies session authentication authorize crud schema migration join joins groupby index
        indexes indexing timestamp datetime uuid base tree trees node nodes graph bst bfs dfs dijkstra knapsack traversal
        complexity quicksort mergesort bubblesort heapsort bitwise xor modulo swap lru login paginate pagination microservice
        microservices container containers pipeline cron crontab symlink subdirectories subdirectory executable executables
        wildcard permission permissions env config configuration gitignore dependency dependencies foreach elif endif sizeof
        typedef enums extern inline volatile goto strcpy memcpy strcmp strlen scanf cout cin endl fopen fprintf realloc kwargs
        __init__ self getter getters setter setters accessor delegate delegates linker linking macro macros preprocessor ifdef
        pragma makefile classpath jvm gc oom segmentation nullable nullptr coredump breakpoint breakpoints watchpoint profiler
        profiling benchmark benchmarks buffer buffers underflow byte bits endian checksum crc base64 md5 sha256 rsa aes
        encrypt encrypted encryption decrypt decryption webhook webhooks payload payloads httprequest xmlhttprequest cors csrf
        xss injection sanitize sanitise escape escaping escaped regexes subquery subqueries varchar2 nvarchar bigint blob clob
        autoincrement rownum rowid rowcount cursor cursors upsert truncate rollback deadlock deadlocks mutexes semaphore
        semaphores spinlock concurrency concurrent parallelize multiprocessing multithreaded goroutine goroutines coroutine
        coroutines eventloop listener listeners handlers onclick onchange onload addeventlistener innerhtml queryselector
        getelementbyid jquery selectors href src iframe textarea textboxes combobox listbox listview gridview datagrid
        datagridview treeview tooltip tooltips navbar popup popups viewport flexbox flex zindex viewmodel usercontrol
        controllers router component components props usestate useeffect useref usememo render renders rendering
        rerender rerenders ssr reducer reducers observable observables rx ndarray ndarrays tensor tensors epoch epochs lstm
        cnn relu softmax backprop backpropagation minibatch overfitting optimizer classifier regression kmeans pca numpy dtype
        dtypes multiindex isnull fillna dropna iloc loc booleans iterable iterables enumerate comprehension comprehensions
        slicing unpacking concat concatenate concatenation append prepend unshift splice stringify tostring parseint
        parsefloat tolower toupper strftime strptime datetimes unix subclass subclasses superclass subclassing singleton mixin
        mixins structs typeclass typeclasses monad monads functor functors currying memoization memoize polymorphic typecast
        typecasting casting autoload bootstrap minify minified obfuscate bundler bundles transpile polyfill polyfills linter
        linting lint intellisense autocomplete codebase codebases boilerplate scaffold scaffolding refactored pseudocode
        flowchart uml diff diffs stash checkout submodule submodules squash bisect hotfix changelog semver readme shebang
        sudoers chown mkdir rmdir pwd ls cd cp mv rm ln xargs uniq tr ps htop killall nohup traceroute netstat nslookup
        ifconfig systemctl journalctl dmesg fstab inode inodes uid gid umask tty pty pid pids fifo pipes piped piping stdio
        eof crlf newline newlines whitespace tabs delimiter delimiters delimited csv tsv""",
    "mixed": """file files list lists string strings table tables row rows column columns element elements object objects
        path command commands server error errors warning sort number numbers line lines page input output value values key
        keys type types package packages library application app field fields form event events image button user request
        response version update install run running build test tests print return returns remove delete add create set get
        check convert replace count length match format test loop call calls data folder stack queue system""",
    "treat": """summarize summarise summarizing summary summaries tldr extract extracting identify classify classifying
        categorize categorise translate translating translation paraphrase rephrase reword rewrite proofread condense
        shorten simplify highlight annotate label detect infer deduce determine transcribe parse edit correct polish
        fill rank sentiment keyword keywords entities entity bullet bullets conclusion conclude compare contradict entail
        entails implies supported unsupported verify tag convert list outline evaluate analyze analyse assess score rate
        reformat tabulate merge quote cite cites mentioned mentions states stated says according refers""",
    "given": """passage passages article articles text texts paragraph paragraphs document documents sentence sentences
        excerpt excerpts story transcript transcripts meeting minutes email emails letter review reviews tweet tweets
        abstract context premise hypothesis claim claims report reports contract contracts spreadsheet pdf dialogue
        conversation headline headlines caption section snippet notes memo invoice statement statements essay post posts
        comment comments fact facts background message messages question questions answer answers option options content
        speech chapter plot description paper papers news resume clause clauses poem summary table csv dataset log logs
        agreement policy receipt menu biography interview thread chat source sources evidence title span phrase phrases""",
    "point": """following below above given provided attached this these here based according using from""",
    "person": """i you your yours my mine me we us our ours yourself myself im ive id youre feel feeling think love like hate
        want wish hope dad mom mother father wife husband friend friends boyfriend girlfriend boss kids daughter son family
        birthday wedding""",
    "role": """imagine pretend act role character persona roleplay suppose scenario you're youre assume""",
    "ask": """who what when where why how which whose whom is are can could do does did should would will was were has have
        am may might""",
    "talk": """tell explain describe suggest recommend give advice help advise tips ideas idea brainstorm plan discuss
        share opinion teach guide recommend explain recommend difference pros cons mean means meaning define history
        examples example best ways way""",
    "write": """write compose draft create generate make design invent come script story poem song haiku essay joke blog
        speech lyrics limerick novel scene slogan tagline dialogue monologue letter toast recipe caption article email
        invitation review advertisement ad pitch headline riddle sonnet rap""",
    "world": """movie movies film films song songs album band actor actress singer football baseball basketball soccer nfl
        nba team teams game games president country countries city capital war king queen restaurant restaurants recipe
        weather flight flights hotel book books music tv show season episode series played plays sang sings star stars born
        died world cup won win olympics state states population river mountain island ocean planet moon sun earth animal
        animals dog dogs cat cats food eat drink coffee latte tea dinner lunch breakfast travel trip vacation tickets ticket
        bus train car cars doctor hospital medicine health diet exercise sleep money bank account card credit loan tax
        insurance job interview career school college university history art artist religion god church century ancient
        roman empire government law constitution amendment senate congress election""",
    "sum": """calculate percent percentage dollars dollar cents apples oranges cookies marbles miles km hours hour minutes per
        total cost costs price each half twice remaining left many much speed average probability solve equation triangle
        area volume older younger years spend spent bought buys sells sold earns""",
    "greet": """hello hi hey thanks thank please morning evening afternoon bye goodbye sorry welcome great nice""",
}
