using System.Text.Json;
using Distributed.Engine.Templates;
using Distributed.Engine.Tests.Tokenizers;

namespace Distributed.Engine.Tests.Templates;

public sealed class ChatTemplateTests
{
    [Theory]
    [InlineData("qwen2_5")]
    [InlineData("qwen3")]
    public void Every_reference_conversation_is_rendered_to_the_character(string name)
    {
        var template = ChatTemplate.Parse(File.ReadAllText(Fixture.Path("templates", name + ".jinja")), name);
        var rows = Fixture.Rows("chat", "chat.jsonl").Where(row => row.Text("template_id") == name).ToList();
        rows.Count.ShouldBeGreaterThan(30);
        foreach (var row in rows)
            template.Render(ChatRows.Variables(row)).ShouldBe(row.Text("rendered"), row.Text("id"));
    }

    [Fact]
    public void What_the_reference_refuses_is_refused_with_line_and_column()
    {
        var rows = Fixture.Rows("chat", "errors.jsonl").ToList();
        rows.ShouldNotBeEmpty();
        foreach (var row in rows)
        {
            var name = row.Text("template_id");
            var template = ChatTemplate.Parse(File.ReadAllText(Fixture.Path("templates", name + ".jinja")), name);
            var error = Should.Throw<TemplateException>(() => template.Render(ChatRows.Variables(row)));
            error.Message.ShouldBe("qwen3:34:31: 'in' does not look into None");
            error.Place.ShouldBe(new TemplatePlace(34, 31));
        }
    }

    // The expected texts are those of Jinja2 3.1 with trim_blocks and lstrip_blocks.
    [Theory]
    [InlineData("a\n  {# c #}\n  b {%- if 1 %} x{% endif %}\n\n{{ 1 }}\n  {{ 2 }}\n", "a\n  b x\n1\n  2")]
    [InlineData("  {%+ if true %}x{% endif +%}\n y", "  x\n y")]
    [InlineData("a\r\nb\rc\n\n", "a\nb\nc\n")]
    [InlineData("x  {{- 1 -}}  y", "x1y")]
    [InlineData("{{ '}}' }}{{ {'a': {'b': 1}} }}", "}}{'a': {'b': 1}}")]
    [InlineData("{{ none }}{{ true }}{{ [1, 'a\\n\"'] }}{{ {'a': 1.0} }}", "NoneTrue[1, 'a\\n\"']{'a': 1.0}")]
    [InlineData("{{ \"it's\" }}{{ [\"it's\", 'é\\u200b\\x7f'] }}", "it's[\"it's\", 'é\\u200b\\x7f']")]
    [InlineData("{{ 'a' 'b' }}{{ 'a\\qb' }}{{ 1_000 }}{{ 1e3 }}", "aba\\qb10001000.0")]
    [InlineData("{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 1e100 }} {{ 3 - -1 }}", "3 -4 2 3.5 1e+100 4")]
    [InlineData("{{ 'x' ~ 1 ~ none }}{{ 'a' + 'b' ~ 'c' }}{{ 'ab' * 2 }}{{ [1] * 2 + [3] }}", "x1Noneabcabab[1, 1, 3]")]
    [InlineData("{{ true + 1 }}{{ 1 == 1.0 }}{{ true == 1 }}{{ 'a' < 'b' < 'c' }}{{ 1 < 2 > 3 }}", "2TrueTrueTrueFalse")]
    [InlineData("{{ 'abc'[1:] }}{{ 'abc'[::-1] }}{{ [1,2,3][-1] }}{{ 'abc'[5] }}{{ 'abc'[-2:-1] }}{{ 'a😀b'[1] }}{{ 'a😀b'|length }}", "bccba3b😀3")]
    [InlineData("{{ 'a' if x is defined else 'b' }}{{ 'x' if false }}{{ 1 if 0 else 2 if 0 else 3 }}", "b3")]
    [InlineData("{{ not x is defined and 1 }}{{ 'a' not in 'abc' }}{{ not 'a' in 'abc' }}{{ 1 in [1, 2] }}", "1FalseFalseTrue")]
    [InlineData("{{ none.y }}|{{ none['y'] }}|{{ x|length }}|{{ 'a' in x }}|{{ x == y }}|{{ x ~ 'a' }}", "||0|False|True|a")]
    [InlineData("{% for i in range(3) %}{% set n = i %}{{ n }}{% endfor %}{{ n }}", "012")]
    [InlineData("{% set n = 5 %}{% for i in [1, 2] %}{{ n }}{% set n = i %}{{ n }}{% endfor %}{{ n }}", "51525")]
    [InlineData("{% if true %}{% set n = 1 %}{% endif %}{{ n }}", "1")]
    [InlineData("{% set s = namespace(n=0) %}{% for i in [1, 2, 3] %}{% set s.n = s.n + i %}{% endfor %}{{ s.n }}", "6")]
    [InlineData("{% for a, b in [[1, 2], [3, 4]] %}{{ a }}{{ b }}{{ loop.index }}{{ loop.revindex }}{{ loop.last }}{% else %}z{% endfor %}", "1212False3421True")]
    [InlineData("{% for a in [] %}{% else %}z{% endfor %}{% for k in {'a': 1, 'b': 2} %}{{ k }}{% endfor %}{% for c in 'a😀' %}{{ c }},{% endfor %}", "zaba,😀,")]
    [InlineData("{% for x in [1, 2, 3] if x > 1 %}{{ loop.index }}{{ x }}{% endfor %}", "1223")]
    [InlineData("{% for x in [1, 2, 3, 4] %}{% if x == 2 %}{% continue %}{% endif %}{% if x == 4 %}{% break %}{% endif %}{{ x }}{% endfor %}", "13")]
    [InlineData("{% for x in [1, 1, 2] %}{{ loop.changed(x) }}{{ loop.cycle('a', 'b') }}{{ loop.previtem is defined }}{% endfor %}", "TrueaFalseFalsebTrueTrueaTrue")]
    [InlineData("{% set x %}a{{ 1 }}{% endset %}{{ x * 2 }}", "a1a1")]
    [InlineData("{% set c = 5 %}{% macro f(a, b=2) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ f(1) }}{{ f(1, b=3)|length }}{{ f() }}", "125325")]
    [InlineData("{{ {'items': 3}['items'] }}{{ {'a': 1}.get('z', 2) }}{{ {'a': 1}.keys()|list }}", "32['a']")]
    [InlineData("{{ ' a  b '.split() }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b,c'.rsplit(',', 1) }}{{ ' a b c '.split(none, 1) }}", "['a', 'b']['a', 'b,c']['a,b', 'c']['a', 'b c ']")]
    [InlineData("{{ 'xxaxx'.strip('x') }}{{ ' a '.lstrip() }}|{{ 'abc'.replace('b', '') }}{{ 'abc'.find('c') }}{{ '-'.join(['x', 'y']) }}", "aa |ac2x-y")]
    [InlineData("{{ 'ab cd'.title() }}{{ 'aBC'|capitalize }}{{ 'x'|upper }}{{ [1, none]|join(',') }}{{ 5|string + 'x' }}", "Ab CdAbcX1,None5x")]
    [InlineData("{{ x|default('b') }}{{ ''|default('b', true) }}{{ [1, 2]|first }}{{ []|first }}{{ 'abc'|last }}{{ [1, 2]|reverse|list }}", "bb1c[2, 1]")]
    [InlineData("{{ [{'a': 1}, {'a': 2}]|selectattr('a', 'equalto', 2)|list }}{{ [{'a': 1}]|map(attribute='a')|list }}{{ '12'|int + 1 }}", "[{'a': 2}][1]13")]
    [InlineData("{{ 3 is number }}{{ true is integer }}{{ {} is mapping }}{{ 'a' is iterable }}{{ none is iterable }}{{ 'a' is in ['a'] }}{{ 2 is even }}", "TrueFalseTrueTrueFalseTrueTrue")]
    [InlineData("{{ {'a': [1, {'b': []}], 'c': {}}|tojson(indent=2) }}", "{\n  \"a\": [\n    1,\n    {\n      \"b\": []\n    }\n  ],\n  \"c\": {}\n}")]
    [InlineData("{{ '<&\\'é😀\\u2028\\x7f\\x01\\n'|tojson }}{{ 'é😀'|tojson(ensure_ascii=true) }}", "\"<&'é😀\u2028\u007f\\u0001\\n\"\"\\u00e9\\ud83d\\ude00\"")]
    [InlineData("{{ 0.1 + 0.2 }} {{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 1.5e300 * 1e10 }} {{ -0.0 }}", "0.30000000000000004 1e+16 1000000000000000.0 0.0001 1e-05 1.5e+310")]
    public void Templates_mean_what_they_mean_to_Jinja2(string template, string expected)
    {
        if (expected.EndsWith("1.5e+310", StringComparison.Ordinal))
            expected = expected.Replace("1.5e+310", "inf -0.0", StringComparison.Ordinal);
        ChatTemplate.Parse(template).Render([]).ShouldBe(expected);
    }

    [Theory]
    [InlineData("{{ x.y }}", "1:5: 'x' is undefined")]
    [InlineData("a\n {{ m['x'].y }}", "2:11: a dict has no member 'x'")]
    [InlineData("{{ 'a' + 1 }}", "1:8: '+' does not work on a string and an integer")]
    [InlineData("{{ -x }}", "1:4: 'x' is undefined")]
    [InlineData("{{ 1 // 0 }}", "1:6: division by zero")]
    [InlineData("{{ x|tojson }}", "1:6: tojson: 'x' is undefined")]
    [InlineData("{% for a in none %}{% endfor %}", "1:4: None cannot be iterated over")]
    [InlineData("{% set m.a = 1 %}", "1:4: 'm' is not a namespace")]
    [InlineData("{{ raise_exception('no tools') }}", "1:19: the template says: no tools")]
    [InlineData("{{ 'a'|foo }}", "1:8: the filter 'foo' is not supported; there are abs,")]
    [InlineData("{{ 'a' is foo }}", "1:11: the test 'foo' is not supported; there are boolean,")]
    [InlineData("{% include 'a' %}", "1:4: the statement 'include' is not supported here")]
    [InlineData("{% if a %}", "1:11: expected endif for what begins at 1:4, found the end of the template")]
    [InlineData("{% endif %}", "1:4: the statement 'endif' is not supported here")]
    [InlineData("{% break %}", "1:4: break stands outside of a loop")]
    [InlineData("{{ a b }}", "1:6: expected }}, found 'b'")]
    [InlineData("{{ 'a }}", "1:4: the string does not end")]
    [InlineData("{{ a", "1:1: the tag does not end; close it with }}")]
    [InlineData("{{ a) }}", "1:5: ')' closes nothing")]
    [InlineData("{# a", "1:1: the comment does not end")]
    [InlineData("{{ 2 ** 3 }}", "1:6: '**' is not supported")]
    [InlineData("{{ '\\ud800' }}", "1:4: an escape in this string is not a character")]
    [InlineData("{{ 3() }}", "1:5: an integer cannot be called")]
    [InlineData("{{ 'a'.pop() }}", "1:11: a string has no member 'pop'")]
    [InlineData("{{ $ }}", "1:4: '$' has no meaning here")]
    public void What_is_wrong_is_named_with_line_and_column(string template, string complaint)
    {
        using var variables = JsonDocument.Parse("""{"m": {}}""");
        var error = Should.Throw<TemplateException>(() => ChatTemplate.Parse(template, "t").Render(variables.RootElement.EnumerateObject().Select(entry => KeyValuePair.Create(entry.Name, entry.Value))));
        error.Message.ShouldStartWith("t:" + complaint);
    }

    [Theory]
    [InlineData("{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}", "takes too long")]
    [InlineData("{% set s = namespace(x='aaaaaaaa') %}{% for a in range(99) %}{% set s.x = s.x + s.x %}{% endfor %}", "characters or items")]
    [InlineData("{% set s = namespace(x=[1]) %}{% for a in range(99) %}{% set s.x = s.x + s.x %}{% endfor %}", "characters or items")]
    [InlineData("{% set s = namespace(x=[1]) %}{% for a in range(99) %}{% set s.x = [s.x, s.x] %}{% endfor %}{{ s.x }}", "inside each other")]
    [InlineData("{% set s = namespace(x=[1]) %}{% for a in range(60) %}{% set s.x = [s.x, s.x] %}{% endfor %}{{ s.x|tojson }}", "characters or items")]
    [InlineData("{% set s = namespace(x=[1], y=[1]) %}{% for a in range(60) %}{% set s.x = [s.x, s.x] %}{% set s.y = [s.y, s.y] %}{% endfor %}{{ s.x == s.y }}", "takes too long")]
    [InlineData("{{ 'a' * 99999999999999999999 }}", "characters or items")]
    [InlineData("{{ range(1000000) }}", "a range of more than")]
    [InlineData("{% set s = namespace(x=3) %}{% for a in range(99) %}{% set s.x = s.x * s.x %}{% endfor %}", "an integer that is too large")]
    [InlineData("{% for a in range(9999) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' * 100 }}{% endfor %}", "characters or items")]
    [InlineData("{% set x = 'a' * 59999 %}{% for a in range(9999) %}{% set y = x|upper %}{% endfor %}", "takes too long")]
    public void A_hostile_template_is_stopped(string template, string complaint) =>
        Should.Throw<TemplateException>(() => ChatTemplate.Parse(template).Render([], new TemplateLimits { Work = 100_000, Output = 60_000 })).Message.ShouldContain(complaint);

    [Fact]
    public void Deep_sources_are_refused_and_long_ones_do_not_overflow_the_stack()
    {
        Should.Throw<TemplateException>(() => ChatTemplate.Parse("{{ " + new string('(', 5000) + "1" + new string(')', 5000) + " }}")).Message.ShouldContain("inside each other");
        Should.Throw<TemplateException>(() => ChatTemplate.Parse(string.Concat(Enumerable.Repeat("{% if a %}", 5000)))).Message.ShouldContain("inside each other");
        Should.Throw<TemplateException>(() => ChatTemplate.Parse("{{ " + string.Concat(Enumerable.Repeat("not ", 5000)) + "1 }}")).Message.ShouldContain("inside each other");
        Should.Throw<TemplateException>(() => ChatTemplate.Parse("{{ 1" + string.Concat(Enumerable.Repeat("+1", 200_000)) + " }}").Render([])).Message.ShouldContain("nested too deeply");
        Should.Throw<TemplateException>(() => ChatTemplate.Parse("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}").Render([])).Message.ShouldContain("nested too deeply");
        Should.Throw<TemplateException>(() => ChatTemplate.Parse(new string(' ', TemplateLimits.LongestSource + 1))).Message.ShouldContain("longer than");
    }

    [Theory]
    [InlineData("1.0", "1.0")]
    [InlineData("1e5", "100000.0")]
    [InlineData("1E-7", "1e-07")]
    [InlineData("12345678901234567890123", "12345678901234567890123")]
    [InlineData("-0", "0")]
    [InlineData("-0.0", "-0.0")]
    [InlineData("1e999", "Infinity")]
    [InlineData("9007199254740993.0", "9007199254740992.0")]
    public void Numbers_are_written_as_Python_would(string number, string written)
    {
        using var document = JsonDocument.Parse($$"""{"x": {{number}} }""");
        ChatTemplate.Parse("{{ x|tojson }}").Render([KeyValuePair.Create("x", document.RootElement.GetProperty("x"))]).ShouldBe(written);
    }
}
