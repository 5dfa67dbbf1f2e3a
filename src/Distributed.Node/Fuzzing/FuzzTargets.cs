using System.Text;
using System.Text.Json;
using Distributed.Engine.Templates;
using Distributed.Engine.Tokenizers;

namespace Distributed.Node.Fuzzing;

/// <summary>The readers of a model folder's text files; the library itself breaks the others (<see cref="Engine.Formats.FormatFuzzer"/>).</summary>
internal static class FuzzTargets
{
    /// <summary>Names on the command line.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["tokenizer", "template"];

    private const string Text = "hello world 123's caf\u00e9 e\u0301 <|a|><t> \ud83d\ude00\n\n  x";

    private static readonly JsonDocument Variables = JsonDocument.Parse("""
        {"messages": [{"role": "user", "content": "Hi <b>"}, {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"a": [1, 2.5, "x"]}}}]},
         {"role": "tool", "content": "42"}], "tools": [{"type": "function", "function": {"name": "f"}}], "add_generation_prompt": true}
        """);

    /// <summary>The reader of a kind.</summary>
    public static FuzzTarget Of(string kind) => kind switch
    {
        "tokenizer" => new FuzzTarget(kind, FuzzSeeds.Tokenizers, ReadTokenizer, error => error is TokenizerFileException),
        "template" => new FuzzTarget(kind, FuzzSeeds.Templates, ReadTemplate, error => error is TemplateException),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such kind"),
    };

    private static void ReadTokenizer(byte[] input)
    {
        var tokenizer = Tokenizer.Parse(input, "tokenizer.json");
        var ids = tokenizer.EncodeFramed(Text);
        tokenizer.EncodeWithOffsets(Text);
        tokenizer.Decode(ids);
        tokenizer.DecodePlain([.. ids, -1, int.MaxValue]);
    }

    private static void ReadTemplate(byte[] input) =>
        ChatTemplate.Parse(Encoding.UTF8.GetString(input)).Render(
            Variables.RootElement.EnumerateObject().Select(member => KeyValuePair.Create(member.Name, member.Value)), new TemplateLimits { Work = 200_000, Output = 1 << 20 });
}
