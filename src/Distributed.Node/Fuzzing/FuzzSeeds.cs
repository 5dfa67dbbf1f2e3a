using System.Text;
using System.Text.Json;

namespace Distributed.Node.Fuzzing;

/// <summary>Good inputs that touch every part of a reader and are small, so that an edit is likely to hit something.</summary>
internal static class FuzzSeeds
{
    /// <summary>Tokenizers: byte-level with all that is supported, and word-level.</summary>
    public static IReadOnlyList<byte[]> Tokenizers { get; } = [ByteLevel(), WordLevel()];

    /// <summary>Templates: the shapes of real ones in a few lines.</summary>
    public static IReadOnlyList<byte[]> Templates { get; } =
    [
        .. new[]
        {
            """
            {%- if tools %}{{- '<|im_start|>system\n' }}{%- for tool in tools %}{{- "\n" }}{{- tool | tojson }}{%- endfor %}{%- endif %}
            {%- set ns = namespace(last=messages|length - 1) %}
            {%- for message in messages[::-1] %}
                {%- set index = (messages|length - 1) - loop.index0 %}
                {%- if message.role == "user" and not(message.content.startswith('<') and message.content.endswith('>')) %}{%- set ns.last = index %}{%- endif %}
            {%- endfor %}
            {%- for message in messages %}
                {{- '<|im_start|>' + message['role'] + '\n' + (message.content or '').split('</think>')[-1].lstrip('\n') | trim }}
                {%- if message.tool_calls is defined and message.tool_calls is not none %}{%- for call in message.tool_calls %}{{- call.function.arguments | tojson }}{%- endfor %}
                {%- elif loop.last or messages[loop.index0 + 1].role != "tool" %}{{ none }}{% else %}x{% endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}
            """,
            """
            {% macro show(m, n=2) %}{{ m.role | upper }}{{ n * 'ab' }}{% endmacro %}
            {% for k, v in {'a': 1, 'b': [1.5, true]}.items() if v %}{{ k ~ v }}{{ loop.index }}{% break %}{% else %}none{% endfor %}
            {# comment #}{% set x %}{{ messages[0].content[1:3] }}{% endset %}{{ x if x is string else 1 // 2 }}
            {{ show(messages[0], n=3) }}{{ [1, 2] | join(',') | replace('1', '2') | default('z') }}{{ messages | selectattr('role', 'equalto', 'user') | list | length }}
            """,
        }.Select(Encoding.UTF8.GetBytes),
    ];

    private static byte[] ByteLevel() => Write(json =>
    {
        json.WriteString("version", "1.0");
        json.WriteNull("truncation");
        json.WriteNull("padding");
        json.WritePropertyName("added_tokens");
        json.WriteRawValue("""
            [{"id":260,"content":"<|a|>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
             {"id":261,"content":"<t>","single_word":false,"lstrip":false,"rstrip":false,"normalized":true,"special":false}]
            """);
        json.WritePropertyName("normalizer");
        json.WriteRawValue("""{"type":"Sequence","normalizers":[{"type":"NFC"}]}""");
        json.WritePropertyName("pre_tokenizer");
        json.WriteRawValue("""
            {"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
             {"type":"Split","pattern":{"Regex":"[^\\r\\n\\p{L}]?\\p{L}+(?!\\S)|(?i:'s|'t)|\\p{N}{1,3}| ?[^\\s\\p{L}]+|\\s+"},"behavior":"Isolated","invert":false},
             {"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}]}
            """);
        json.WritePropertyName("post_processor");
        json.WriteRawValue("""
            {"type":"Sequence","processors":[{"type":"ByteLevel","trim_offsets":false},{"type":"TemplateProcessing",
             "single":[{"SpecialToken":{"id":"<|a|>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<|a|>":{"id":"<|a|>","ids":[260],"tokens":["<|a|>"]}}}]}
            """);
        json.WritePropertyName("decoder");
        json.WriteRawValue("""{"type":"ByteLevel"}""");
        json.WriteStartObject("model");
        json.WriteString("type", "BPE");
        json.WriteNull("dropout");
        json.WriteNull("unk_token");
        json.WriteString("continuing_subword_prefix", "");
        json.WriteBoolean("byte_fallback", false);
        json.WriteBoolean("ignore_merges", true);
        json.WriteStartObject("vocab");
        for (var value = 0; value < 256; value++)
            json.WriteNumber(((char)(value is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE ? value : 256 + Rank(value))).ToString(), value);
        json.WriteNumber("he", 256);
        json.WriteNumber("ll", 257);
        json.WriteNumber("hell", 258);
        json.WriteNumber("\u0120w", 259);
        json.WriteEndObject();
        json.WritePropertyName("merges");
        json.WriteRawValue("[\"h e\",\"l l\",[\"he\",\"ll\"],[\"\u0120\",\"w\"]]");
        json.WriteEndObject();
    });

    // How many bytes below this one have no character of their own in the byte alphabet.
    private static int Rank(int value) => Enumerable.Range(0, value).Count(other => !(other is >= '!' and <= '~' or >= 0xA1 and <= 0xAC or >= 0xAE));

    private static byte[] WordLevel() => Write(json =>
    {
        json.WriteNull("normalizer");
        json.WritePropertyName("added_tokens");
        json.WriteRawValue("""[{"id":0,"content":"<pad>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}]""");
        json.WritePropertyName("pre_tokenizer");
        json.WriteRawValue("""{"type":"Sequence","pretokenizers":[{"type":"WhitespaceSplit"},{"type":"Whitespace"}]}""");
        json.WriteNull("post_processor");
        json.WriteNull("decoder");
        json.WritePropertyName("model");
        json.WriteRawValue("""{"type":"WordLevel","vocab":{"<pad>":0,"<unk>":1,"hello":2,"world":3},"unk_token":"<unk>"}""");
    });

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
