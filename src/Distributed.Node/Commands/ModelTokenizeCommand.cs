using System.CommandLine;
using System.Text.Json;
using Distributed.Engine.Tokenizers;
using Distributed.Node.Composition;
using Distributed.Node.Models;

namespace Distributed.Node.Commands;

/// <summary><c>distributed model tokenize</c>: lines of text to token ids and back.</summary>
internal static class ModelTokenizeCommand
{
    public static Command Create()
    {
        var folder = ModelCommand.FolderOption();
        folder.Description = "A Hugging Face folder with a tokenizer.json, or that file itself.";
        var input = new Argument<string>("file") { Description = "Lines to tokenize; - is standard input.", DefaultValueFactory = _ => "-" };
        var strings = new Option<bool>("--json") { Description = "Each line is a JSON string, so that texts may hold line breaks." };
        var framed = new Option<bool>("--add-special-tokens") { Description = "Add what the tokenizer puts around a text, a begin token for example." };
        var decode = new Option<bool>("--decode") { Description = "The other way: each line is a JSON list of ids, each output line a JSON string." };
        var plain = new Option<bool>("--skip-special-tokens") { Description = "With --decode: leave special tokens out." };
        var command = new Command("tokenize", "Token ids of every line of a file, one JSON list per line.") { folder, input, strings, framed, decode, plain };
        command.SetAction((parsed, cancel) =>
        {
            var tokenizer = Open(parsed.GetValue(folder)!);
            var (isJson, isFramed, isPlain) = (parsed.GetValue(strings), parsed.GetValue(framed), parsed.GetValue(plain));
            foreach (var (index, line) in Lines(parsed.GetValue(input)!).Index())
            {
                cancel.ThrowIfCancellationRequested();
                if (parsed.GetValue(decode))
                {
                    var ids = TokenLists.Read(line.Length == 0 ? "[]" : line, tokenizer.VocabularySize)[0];
                    OutputJson.Print(json => json.WriteStringValue(isPlain ? tokenizer.DecodePlain(ids) : tokenizer.Decode(ids)));
                }
                else
                {
                    var text = isJson ? TextOf(line, index) : line;
                    Console.Out.WriteLine($"[{string.Join(',', Refusals.Of(() => isFramed ? tokenizer.EncodeFramed(text) : tokenizer.Encode(text)))}]");
                }
            }

            return Task.FromResult(0);
        });
        return command;
    }

    private static Tokenizer Open(string path) => Refusals.Of(() => Tokenizer.Load(Directory.Exists(path) ? Path.Combine(path, ModelEngine.TokenizerName) : path));

    // Only line feeds end lines: texts may hold the other separators of Unicode.
    private static IEnumerable<string> Lines(string source)
    {
        var text = JsonInput.TextOf(source);
        return (text.EndsWith('\n') ? text[..^1] : text).Split('\n').Select(line => line.TrimEnd('\r'));
    }

    private static string TextOf(string line, int index)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.ValueKind == JsonValueKind.String ? document.RootElement.GetString()! : throw new RefusedException($"line {index + 1}: expected a JSON string");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new RefusedException($"line {index + 1}: not a JSON string: {error.Message}", error);
        }
    }
}
