"""Make the inputs of the table of expressions: from the grammar, from each function, from uses in templates.

The inputs depend on nothing but this file: the same program makes the same list.
"""

import itertools
import random
from typing import ClassVar

VARIABLES = {
    "x": "X",
    "on": "true",
    "off": "false",
    "n": "5",
    "empty": "",
    "nothing": "none",
    "detectors": '["TPC","ITS"]',
    "hosts": '["flp001","flp002","flp003"]',
    "host": "flp001",
    "numbers": "[3,1,2.5]",
    "obj": '{"a":1,"b":{"c":"d"},"list":[1,"x",null,true]}',
    "list_text": "a,b,c",
    "its_enabled": "true",
    "q_x": "Q",
    "pattern": "^flp[0-9]+$",
    "umlaut": "Zürich",
}
"""The variables of all inputs; all are texts, as in a template."""

VALUES = [
    *(
        "nil",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "7",
        "2.5",
        "-0.5",
        "1e3",
        "'a'",
        "''",
        "'5'",
        "'1,2,1'",
        "x",
        "n",
    ),
    *(
        "[]",
        "[1, 2, 3]",
        "['b', 'a', 'b']",
        "[1, 'a', nil]",
        "[[1], [2, [3]]]",
        "{}",
        "{a: 1}",
        "{a: {b: [1]}}",
    ),
    *(
        "FromJson('null')",
        "FromJson('1')",
        "FromJson('\"s\"')",
        "FromJson('[1, 2, 2]')",
        "FromJson(detectors)",
    ),
    *(
        "FromJson(obj)",
        "FromJson('true')",
        "1..3",
        "split(list_text, ',')",
        "duration('90s')",
        "on == 'true'",
    ),
]
"""Operands of every kind: constants, variables, and values whose type only the computation tells."""

FEW = [
    "nil",
    "true",
    "1",
    "-2",
    "2.5",
    "'a'",
    "x",
    "[1, 2]",
    "['a']",
    "{a: 1}",
    "FromJson('2')",
    "FromJson('\"a\"')",
]

BINARY = [
    *(
        "+",
        "-",
        "*",
        "/",
        "%",
        "**",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "&&",
        "||",
        "??",
        "in",
        "not in",
        "..",
    ),
    *("contains", "startsWith", "endsWith", "matches", "not contains"),
]

CONVERSIONS = [
    *("len", "type", "string", "int", "float", "abs", "ceil", "floor", "round", "upper", "lower", "trim"),
    *(
        "trimPrefix",
        "trimSuffix",
        "first",
        "last",
        "keys",
        "values",
        "toPairs",
        "fromPairs",
        "reverse",
        "uniq",
    ),
    *(
        "flatten",
        "sort",
        "concat",
        "max",
        "min",
        "mean",
        "median",
        "sum",
        "count",
        "join",
        "toJSON",
        "fromJSON",
    ),
    *("toBase64", "fromBase64", "bitnot", "duration", "Atoi", "Itoa", "TrimQuotes", "TrimSpace", "ToUpper"),
    *(
        "ToLower",
        "IsTruthy",
        "IsFalsy",
        "FromJson",
        "ToJson",
        "strings.Atoi",
        "strings.Itoa",
        "strings.ToUpper",
    ),
    *(
        "strings.IsTruthy",
        "strings.TrimQuotes",
        "json.Marshal",
        "json.Unmarshal",
        "json.Sort",
        "json.Serialize",
    ),
]
"""Functions of one argument."""

PREDICATED = ["all", "any", "none", "one", "filter", "map", "count", "sum", "find", "findIndex", "findLast"]
PREDICATED += ["findLastIndex", "groupBy", "sortBy", "reduce"]
LISTS = [
    *(
        "[]",
        "[1, 2, 3, 4]",
        "['b', 'a', 'c']",
        "1..4",
        "FromJson(detectors)",
        "FromJson(numbers)",
        "[true, false]",
    ),
    *(
        "[{a: 1, b: 'x'}, {a: 2, b: 'y'}]",
        "[[1, 2], [3]]",
        "FromJson(obj).list",
        "split(list_text, ',')",
        "x",
    ),
]
BODIES = [
    *(
        "#",
        "# > 1",
        "# == 'a'",
        "{# != nil}",
        ".a",
        ".a > 1",
        "#.b == 'x'",
        "#index",
        "#acc",
        "#acc + #",
        "true",
        "nil",
    ),
    *(
        "upper(#)",
        "len(#) > 1",
        "string(#)",
        "# in [1, 'a']",
        "-#",
        "{let y = #; y == 2}",
        "1",
        "'a'",
        "map(#, # + 1)",
    ),
    *("type(#)", "# startsWith 'T'", "[#, 1]", "# ?? 0", "not (# == 2)", "# % 2 == 0"),
]

WRITTEN = r"""
1_000
0x1F + 0b11 + 0o17
.5
1.
1e21
1e20
1e-5
1e-4
123456789.5
100000000000000000000000.0
0.1 + 0.2
9223372036854775807
9223372036854775808
9223372036854775807 + 1
-9223372036854775807 - 2
9223372036854775807 * 2
08
1__0
0x
0b2
1e400
5 // 2
1 /* two */ + 2
1 + // the rest
/* open
"double \"quoted\" text"
'single \'quoted\' text'
"\x41\u0042\U00000043\u{44}\104"
"\U0001F600"
"\q"
"\'"
'\"'
"\u{110000}"
"\400"
'line\nbreak\ttab'
`raw \n text`
`it's "raw"`
`back``quote`
'open
"open
`open
a ~ b
1 + 2 * 3
(1 + 2) * 3
2 ** 3 ** 2
-2 ** 2
(-2) ** 2
2 ^ -1
(0 - 1) ** 0.5
0 ** -1
10 ** 400
7 % -3
-7 % 3
-7 % -3
7 % 0
1 / 0
-1 / 0
0 / 0
1 - 0 / 0 == 1
not true
not not true
!true == false
!(x == 'X') || on == 'true'
not (x in ['X']) and true
1 < 2 == true
1 < 2 < 3
3 > 2 > 2
'a' < 'b' <= 'b' < 'c'
1 == 1 == true
1 == 1.0
'1' == 1
n == 5
n == '5'
n > 3
n + 1
Atoi(n) + 1
x + '-' + n
x + 1
true && 1
on && off
on ? 1 : 2
!on
on == 'true' ? 'yes' : 'no'
on == 'true' ? off == 'true' ? 1 : 2 : 3
on == 'false' ? 1 : off == 'false' ? 2 : 3
true ?: 'x'
false ?: 'x'
x ?: 'y'
true ? 1
true ? : 1
if on == 'true' { 'yes' } else { 'no' }
if on == 'x' { 1 } else if off == 'false' { 2 } else { 3 }
if true { 1 }
if true { let a = 1; a } else { 2 }
1 + if true { 1 } else { 2 }
(if true { 1 } else { 2 }) + 1
'a' if true else 'b'
nil ?? 1
1 ?? 2
nil ?? nil ?? 3
x ?? 'y' == 'X'
(x ?? 'y') == 'X'
x == 'X' ?? 'y'
FromJson(obj).zz ?? 'none'
FromJson(obj)?.zz?.c ?? 'none'
FromJson(obj).b.c
FromJson(obj).zz.c
FromJson(obj)?.zz.c
FromJson(obj)?.b.c
FromJson(obj)['b']['c']
FromJson(obj)?.['b']?.['c']
FromJson(obj).list[0]
FromJson(obj).list[-1]
FromJson(obj).list[9]
FromJson(obj).list[1:]
FromJson(obj).list[:2]
FromJson(obj).list[-2:]
FromJson(obj).list['a']
FromJson(obj).missing == 'x'
FromJson(obj).missing == nil
FromJson(obj).a == 1
FromJson(obj).a + 1
FromJson(obj).a + 'x'
FromJson('') == nil
FromJson('{')
FromJson('[1, 2')
FromJson('[1] x')
FromJson('01')
FromJson('NaN')
FromJson('1e400')
FromJson('"\ud83d\ude00"')
[1, 2, 3][0]
[1, 2, 3][-1]
[1, 2, 3][3]
[1, 2, 3][1.0]
[1, 2, 3]['a']
[1, 2, 3][1:2]
[1, 2, 3][:-1]
[1, 2, 3][5:]
[1, 2, 3][2:1]
[1, 2, 3][:]
'abcdef'[1:3]
'abcdef'[-2:]
'abcdef'[0]
x[0:1]
{a: 1}.a
{a: 1}['a']
{'a b': 1}['a b']
{a: 1}.b
{a: 1}.b.c
{a: 1}.b?.c
{a: 1}?.b?.c
{1: 'one'}['1']
{1: 'one'}[1]
{(x): 1}.X
{(1): 1}
{a: 1, a: 2}.a
{a: 1,}
{a 1}
{,}
[1, 2,]
[,]
[1 2]
'a' in ['a', 'b']
'a' not in ['a', 'b']
not ('a' in ['a'])
not 'a' in ['a']
1 in [1, 2]
1 in [1.0]
1.0 in [1, 2]
1 in ['a']
2 in 1..3
5 in 1..3
2.0 in 1..3
2.5 in 1..3
'a' in {a: 1}
'b' in {a: 1}
1 in {a: 1}
'a' in 'abc'
nil in ['', 'a']
nil in [nil]
FromJson('1') in [1, 2]
FromJson('1') in ['a']
FromJson('null') in ['a', '']
'TPC' in FromJson(detectors)
'TPC' in FromJson(detectors) == true
'TPC' in detectors
x in ['X', 'Y'] ? 'in' : 'out'
1..3
3..1
1..1
'a'..'b'
1.5..3
1..3 == [1, 2, 3]
[1, 2] == [1.0, 2.0]
[1] == ['a']
{a: 1} == {a: 1}
{a: 1} == {a: 1.0}
{a: [1]} == {a: [1]}
{a: 1} == [1]
nil == nil
nil == false
'a' == nil
[] == nil
{} == nil
'flp001' matches '^[[:alpha:]]+[[:digit:]]+$'
'x' matches '(?i:X)'
'é' matches '\\w'
'é' matches '^\\pL$'
'a b' matches '\\bb'
'a.b' matches 'a\\.b'
'a\nb' matches 'a.b'
'a\nb' matches '(?s)a.b'
'aaa' matches '^a{2,3}$'
'a' matches 'a{1001}'
'a' matches '('
'a' matches '(?=a)'
'a' matches '(a)\\1'
'a.c' matches '\\Qa.c\\E'
'abc' matches '\\Aabc\\z'
'A' matches '\\x{41}'
host matches pattern
host not matches pattern
host matches x
'x' + '-ib' | upper()
x | lower() | len()
'A,B' | lower() | split(',')
1..5 | sum()
[3, 1, 2] | sort() | first()
['a'] | map(upper(#))
list_text | split(',') | map(# + '!') | join('-')
x | upper
x | strings.ToUpper()
x | Atoi()
x | nofunction()
1 | 2
| x
let a = 1; a + 1
let a = 1; let b = a + 1; a * b
let a = 1, b = 2; a
let a = 1 a
let a = x | lower(); a + a
let x = 1; x
let len = 1; len
let a = 1; let a = 2; a
let f = 1; f(2)
(let a = 1; a) + (let a = 2; a)
1; 2
1; 2;
; 1
(1; 2)
x; n
$env.x
$env['x']
$env?.nope
$env?.['nope']
$env.nope
$env?.nope ?? 'default'
'x' in $env
'nope' in $env
'x' in $env ? x : 'y'
get($env, 'x')
get($env, 'nope')
get($env, 'nope') ?? 'default'
nope
nope == 'x'
nope()
x()
x.y
x.y()
x?.y
nil.a
1.a
true.a
[1].a
upper
upper(x)
upper(x,)
upper(,x)
upper()
upper(x, x)
upper(1)
::upper(x)
::nope(x)
#
.x
#index
map([1], #acc)
filter([1], #index == 0)
reduce([1, 2, 3], #acc + #)
reduce([1, 2, 3], #acc + #, 10)
reduce([1, 2, 3], #index)
reduce([], #acc)
reduce([], #acc, 0)
reduce(['a', 'b'], #acc + #, '')
reduce(1..3, #acc + #index + #)
map([[1, 2], [3]], map(#, # * 2))
map([[1, 2], [3]], {let o = #; map(o, # + len(o))})
map(1..2, map(1..2, #index))
filter(FromJson(hosts), # startsWith 'flp' and # != host)
filter(filter([1, 2, 3], # > 1), # < 3)
map(filter([1, 2, 3], # > 1), # * 2)
filter([1, 2], # > 1)[0]
filter([1, 2], # > 5)[0]
first(filter([1, 2], # > 5))
len(filter([1, 2], # > 1))
all([], #)
all([1], 'a')
all('abc', # == 'a')
count([true, false, true])
count([1])
sum(['a', 'b'])
sum([x, 'b'])
sum([n, n, x])
sum([1, 2.5])
sum([[1]])
sum({a: 1})
groupBy([1, 2, 3], # % 2 == 0 ? 'even' : 'odd')
sortBy([{a: 2}, {a: 1}], .a)
sortBy([{a: 2}, {a: 1}], .a, 'desc')
sortBy([1, 2], #, 'up')
sortBy(['b', 1], #)
sort([3, 1, 2], 'desc')
sort(['b', 'a'], 'up')
sort([1, 'a'])
sort(x)
sort(FromJson(numbers))
take([1, 2, 3], 2)
take([1], 5)
take([1, 2], -1)
take(x, 1)
get([1, 2], 0)
get([1, 2], 5)
get([1, 2], -1)
get({a: 1}, 'a')
get({a: 1}, 'b')
get(x, 0)
get(nil, 'a')
concat([1], [2], ['a'])
concat([1], 2)
concat()
join(['a', 'b'], ', ')
join(['a', 1])
join([1, 2], ',')
join(x)
split('a,b,c', ',', 2)
split('a,b,c', ',', -1)
split('a,b,c', ',', 1)
split('abc', '')
split('abc', '', 2)
split('', ',')
split('', '')
splitAfter('a,b,c', ',')
splitAfter('a,b,c', ',', 2)
splitAfter('abc', '')
replace('aaa', 'a', 'b')
replace('aaa', 'a', 'b', 2)
replace('aaa', '', '-')
replace('aaa', 'a', 'b', -1)
replace('aaa', 'a', 'b', 0)
repeat('ab', 3)
repeat('ab', 0)
repeat('ab', -1)
repeat('ab', 2.0)
trim('  a b ')
trim('xxaxx', 'x')
trim('xyaxy', 'yx')
trim(' a ', '')
trimPrefix('abc', 'ab')
trimPrefix(' abc')
trimSuffix('abc', 'bc')
trimSuffix('abc ')
indexOf('abcabc', 'c')
indexOf('abc', '')
indexOf('abc', 'x')
lastIndexOf('abcabc', 'c')
lastIndexOf('abc', '')
hasPrefix('abc', 'ab')
hasSuffix('abc', 'ab')
upper('straße')
lower('ÄÖÜ')
upper(umlaut)
len(umlaut)
max(1, 2.5, -3)
max([1, 2], 5)
max([])
max([]) == nil
max([[1, 9], 2])
max('a')
max(FromJson('"a"'))
min(2, 1)
min([3, [1]])
mean([1, 2, 4])
mean(1, 2)
mean([])
median([1, 5, 3, 2])
median([])
abs(-5)
abs(-2.5)
abs('a')
round(2.5)
round(-2.5)
round(0.49999999999999994)
ceil(-0.5)
floor(1.9)
int('12')
int('-12')
int('+12')
int(' 12')
int('1.5')
int('9223372036854775808')
int(2.9)
int(-2.9)
int(true)
float('1.5')
float('1e3')
float('inf')
float('nan')
float('x')
float('')
float(true)
string(1.0)
string(1.5)
string([1, 'a', nil])
string({b: 1, a: [2]})
string(nil)
type(duration('1s'))
type(now())
type(1.0)
type(Atoi)
bitand(6, 3)
bitor(6, 3)
bitxor(6, 3)
bitnand(6, 3)
bitshl(1, 4)
bitshl(1, 63)
bitshl(1, 64)
bitshl(1, -1)
bitshr(-16, 2)
bitushr(-16, 2)
bitnot(0)
bitand(6.0, 3)
toJSON({b: 1, a: [1, 'x', nil, {}], c: []})
toJSON('<a&b>')
toJSON([])
fromJSON('{"a": [1, 2.5, "x", null]}')
fromJSON('nope')
fromJSON(obj).a
toBase64('Zürich')
fromBase64('WsO8cmljaA==')
fromBase64('!')
duration('1h30m')
duration('90s').Seconds()
duration('1h').Minutes()
duration('1h') + duration('1m')
duration('1h') - duration('2h')
duration('1h') * 2
2 * duration('1h')
duration('1h') / 2
duration('1h') > duration('59m')
duration('1h') == duration('60m')
duration('1.5s')
duration('1500ms')
duration('100us')
duration('7ns')
duration('-1m')
duration('0')
duration('')
duration('5')
duration('1d')
duration('1h').String()
duration('1h').Nope()
date('2023-08-14')
date('2023-08-14').Year()
date('2023-08-14').Month()
date('2023-08-14').Day()
date('2023-08-14').Weekday()
date('2023-08-14').YearDay()
date('2023-08-14').Unix()
date('2023-08-14 12:30:45')
date('2023-08-14 12:30:45').Hour()
date('2023-08-14T12:30:45Z')
date('2023-08-14T12:30:45+02:00')
date('2023-08-14T12:30:45+02:00').UTC()
date('Mon, 14 Aug 2023 12:30:45 UTC')
date('14/08/2023', '02/01/2006')
date('2023-08-14 00:00:00', '2006-01-02 15:04:05', 'Europe/Zurich')
date('2023-08-14 00:00:00', '2006-01-02 15:04:05', 'Nowhere')
date('2023-13-14')
date('nope')
date('2023-08-14').Format('02 Jan 2006')
date('2023-08-14').Format('Monday, January 2, 2006 3:04PM')
date('2023-08-14') + duration('36h')
date('2023-08-14') - date('2023-08-13')
date('2023-08-14') > date('2023-08-13')
date('2023-08-14') == date('2023-08-14T00:00:00Z')
date('2023-08-14').In(timezone('Europe/Zurich'))
date('2023-08-14').In(timezone('Europe/Zurich')).Hour()
timezone('UTC')
timezone('Nowhere')
now() > date('2020-01-01')
now().Year() > 2020
strings.Atoi('12') + 1
strings.Atoi(' 5 ')
strings.Atoi('-12')
strings.Atoi('99999999999999999999')
strings.Atoi(12)
strings.Atoi()
strings.Nope('x')
strings.Nope
Atoi('x')
Atoi(' 5 ')
Itoa(5) + 'x'
Itoa('5')
Itoa(Atoi(n) + 1)
strings.TrimQuotes('""x""')
strings.TrimQuotes('"x')
strings.TrimSpace(' x ')
strings.IsTruthy(on)
strings.IsTruthy(' YES ')
strings.IsFalsy('')
strings.IsFalsy(nothing)
!strings.IsTruthy(off)
IsTruthy(on) && !IsFalsy(on)
IsTruthy(on) ? 'a' : 'b'
strings.IsTruthy(on) ? 'a' : 'b'
json.Unmarshal(detectors)
json.Unmarshal(detectors)[0]
json.Unmarshal(detectors)[0] + '-x'
json.Marshal(json.Unmarshal(obj))
json.Marshal(['a', 'b'])
json.Marshal('é')
json.Marshal({b: 1.0, a: '<&>'})
json.Marshal([1.5, 1e21, 1e-7, 100000000.0])
json.Marshal(filter(FromJson(hosts), # != host))
ToJson(map(FromJson(hosts), {{'h': #}}))
json.Sort([3, 1, 10, 2])
json.Sort(['b', 'a'])
json.Sort(json.Unmarshal(detectors))
json.Sort(split('b,a', ','))
json.Sort('["b","a"]')
json.Sort({a: 1})
util.PrefixedOverride('x', 'q')
util.PrefixedOverride('x', 'z')
util.PrefixedOverride('nothing', 'q')
util.PrefixedOverride('nope', 'q')
PrefixedOverride('x', 'q') == 'Q'
util.SuffixInRange('flp5', 'flp', '1', '10')
util.SuffixInRange('flp-5', 'flp', '-10', '200')
util.SuffixInRange('flp50', 'flp', '1', '10')
util.SuffixInRange('flp', 'flp', '1', '10')
util.SuffixInRange('epn5', 'flp', '1', '10')
util.SuffixInRange('5', '', '1', '10')
SuffixInRange('flp5', 'flp', 1, 10)
SuffixInRange('flp5', 'flp', 'a', '10')
util.Nullable(nil)
x + util.Nullable(nil)
nil + 'a'
'a' + nil
FromJson('null') + 'a'
false && FromJson('1')
FromJson('1') && true
FromJson('1') && false
FromJson('1').a == 1 && false
true || FromJson('1')
false && 1 % 0 == 1
true || 1 / 0 > 1
x == 'Y' && FromJson('1').a == 1
x == 'X' || FromJson('1').a == 1
1 +
+ 1
(1
1)
[1
{a: 1
x x
1 2
'a' 'b'
= 1
x = 1
x => 1
&& true
1 & 2
1 &&& 2
x not 'a'
x is defined
x | default('y')
list_text.split(',')
x.upper()
"""
"""Inputs for one feature each, one a line."""

PRODUCTION = [
    "{v} == 'true'",
    "{v} != 'true' && x == 'X'",
    "!({v} == 'true')",
    "{v} == 'true' ? 'yes' : 'no'",
    "{v} == 'true' || off == 'true' ? host : x + '-' + host",
    "strings.IsTruthy({v})",
    "!strings.IsTruthy({v}) && strings.IsFalsy(off)",
    "'TPC' in json.Unmarshal({v})",
    "len(FromJson({v}))",
    "json.Unmarshal({v})[0]",
    "{v} in ['true', 'false', 'X']",
    "{v} not in ['none', '']",
    "{v} contains 'flp' ? {v} : ''",
    "{v} startsWith 'flp' and {v} not endsWith '1'",
    "{v} matches '^[a-z]+[0-9]*$'",
    "util.PrefixedOverride('{v}', 'q')",
    "util.SuffixInRange({v}, 'flp', '0', '2')",
    "strings.Atoi({v}) * 2 + 1",
    "strings.ToUpper({v}) + '_' + strings.ToLower(x)",
    "{v} ?? 'default'",
    "$env?.{v} ?? 'default'",
    "filter(FromJson(hosts), # != {v})",
    "map(FromJson(hosts), # + '-' + {v})",
    "{v} == '' ? nil : {v}",
    "({v} == 'true') == (on == 'true')",
    "{v}_missing == 'true'",
]
"""Constructs that templates use, with each variable."""

RANDOM = 2_500
_SEED = 17


def expressions():
    """Return all inputs, each once."""
    found = [line for line in WRITTEN.strip().splitlines() if line.strip()]
    found += _operators() + _functions() + _predicated()
    found += [form.replace("{v}", name) for form in PRODUCTION for name in VARIABLES]
    found += _drawn()
    return list(dict.fromkeys(found))


def _operators():
    found = [f"{left} {sign} {right}" for sign in BINARY for left in FEW for right in FEW]
    found += [f"{sign}{value}" for sign in ("!", "-", "+") for value in VALUES]
    found += [f"{value}[{index}]" for value in VALUES for index in ("0", "-1", "'a'", "1:", "FromJson('0')")]
    return found + [f"{value} ? 1 : 2" for value in VALUES] + [f"{value}?.a" for value in VALUES]


def _functions():
    found = [f"{name}({value})" for name in CONVERSIONS for value in VALUES]
    pairs = list(itertools.product(["x", "'a,b'", "1", "nil", "FromJson('\"a,b\"')", "[1, 2]"], repeat=2))
    two = [
        "trim",
        "trimPrefix",
        "split",
        "splitAfter",
        "repeat",
        "indexOf",
        "lastIndexOf",
        "hasPrefix",
        "join",
    ]
    two += ["hasSuffix", "take", "get", "concat", "max", "bitand", "bitshl", "sort", "PrefixedOverride"]
    return found + [f"{name}({one}, {other})" for name in two for one, other in pairs]


def _predicated():
    return [f"{name}({over}, {body})" for name in PREDICATED for over in LISTS for body in BODIES]


def _drawn():
    """Return expressions that the grammar draws, most of which have types that fit."""
    draw = _Draw(random.Random(_SEED))
    kinds = ("text", "number", "truth", "list", "any")
    return [draw.value(kinds[number % len(kinds)], 1 + number % 4) for number in range(RANDOM)]


class _Draw:
    def __init__(self, source):
        self._source = source

    def value(self, kind, depth):
        if kind == "any" or self._source.random() < 0.05:
            kind = self._source.choice(("text", "number", "truth", "list", "map", "unknown"))
        forms = self._LEAVES[kind] if depth <= 0 else self._FORMS[kind]
        form = self._source.choice(forms)
        while "<" in form and ">" in form[form.find("<") :]:
            begin = form.find("<")
            end = form.find(">", begin)
            part = form[begin + 1 : end]
            if part not in self._LEAVES:
                break
            form = form[:begin] + self.value(part, depth - 1) + form[end + 1 :]
        return form

    _LEAVES: ClassVar = {
        "text": ["x", "on", "host", "'a'", "''", "n", "'flp'", '"b"', "list_text", "`r`"],
        "number": ["1", "0", "2.5", "-3", "10", "Atoi(n)", "len(host)"],
        "truth": ["true", "false", "on == 'true'", "x in ['X']", "1 == 2"],
        "list": ["[1, 2]", "['a', 'b']", "FromJson(detectors)", "1..3", "[]", "split(list_text, ',')"],
        "map": ["{a: 1}", "FromJson(obj)", "{}", "{b: 'x', c: [1]}"],
        "unknown": ["FromJson(n)", "FromJson(obj).b", "FromJson('null')", "json.Unmarshal(on)", "$env?.x"],
    }
    _FORMS: ClassVar = {
        "text": [
            "<text> + <text>",
            "(<truth> ? <text> : <text>)",
            "upper(<text>)",
            "string(<any>)",
            "replace(<text>, <text>, <text>)",
            "join(<list>, <text>)",
            "<text> | trim() | lower()",
            "strings.ToUpper(<text>)",
            "json.Marshal(<any>)",
            "(<unknown> ?? <text>)",
            "type(<any>)",
            "<text>[<number>:<number>]",
            "if <truth> { <text> } else { <text> }",
        ],
        "number": [
            "<number> + <number>",
            "(<number> - <number>) * <number>",
            "<number> / <number>",
            "<number> ** <number>",
            "len(<any>)",
            "max(<number>, <number>)",
            "sum(<list>)",
            "round(<number>)",
            "count(<list>, # == <any>)",
            "int(<text>)",
            "indexOf(<text>, <text>)",
            "<number> % 3",
            "reduce(<list>, #acc + #, <number>)",
        ],
        "truth": [
            "<text> == <text>",
            "<number> < <number>",
            "<any> == <any>",
            "!(<truth>)",
            "<truth> && <truth>",
            "<truth> or <truth>",
            "<text> contains <text>",
            "<any> in <list>",
            "any(<list>, # == <any>)",
            "all(<list>, type(#) == 'string')",
            "<text> startsWith <text>",
            "strings.IsTruthy(<text>)",
            "<number> >= <number> > <number>",
        ],
        "list": [
            "[<any>, <any>]",
            "map(<list>, <any>)",
            "map(<list>, [#, #index])",
            "filter(<list>, # != <any>)",
            "<list>[<number>:]",
            "concat(<list>, <list>)",
            "reverse(<list>)",
            "uniq(concat(<list>, <list>))",
            "split(<text>, <text>)",
            "flatten([<list>, <any>])",
            "take(<list>, <number>)",
            "sort(<list>)",
            "json.Sort(<list>)",
        ],
        "map": ["{a: <any>, b: <any>}", "{(<text>): <any>}", "fromJSON(toJSON(<map>))"],
        "unknown": [
            "first(<list>)",
            "<list>[<number>]",
            "<map>.a",
            "<map>?.b?.c",
            "get(<map>, <text>)",
            "find(<list>, # == <any>)",
            "let v = <any>; [v, v]",
            "(<any>; <any>)",
            "(<truth> ? <any> : <any>)",
            "<unknown> ?? <any>",
        ],
    }
