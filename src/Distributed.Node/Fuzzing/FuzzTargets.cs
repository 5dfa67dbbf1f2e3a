using System.Text;
using System.Text.Json;
using Distributed.Engine.Formats;
using Distributed.Engine.Hosting;
using Distributed.Engine.Model;
using Distributed.Engine.Templates;
using Distributed.Engine.Tokenizers;

namespace Distributed.Node.Fuzzing;

/// <summary>The readers of a model folder's files.</summary>
internal sealed class FuzzTargets : IDisposable
{
    /// <summary>Names on the command line.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["tokenizer", "template", "config", "safetensors", "index"];

    private const string Text = "hello world 123's caf\u00e9 e\u0301 <|a|><t> \ud83d\ude00\n\n  x";
    private const string Shard = "model-00001-of-00001.safetensors";

    private static readonly JsonDocument Variables = JsonDocument.Parse("""
        {"messages": [{"role": "user", "content": "Hi <b>"}, {"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f", "arguments": {"a": [1, 2.5, "x"]}}}]},
         {"role": "tool", "content": "42"}], "tools": [{"type": "function", "function": {"name": "f"}}], "add_generation_prompt": true}
        """);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("distributed-fuzz-");

    /// <summary>The reader of a kind.</summary>
    public FuzzTarget Of(string kind) => kind switch
    {
        "tokenizer" => new FuzzTarget(kind, FuzzSeeds.Tokenizers, ReadTokenizer, error => error is TokenizerFileException),
        "template" => new FuzzTarget(kind, FuzzSeeds.Templates, ReadTemplate, error => error is TemplateException),
        _ => OfModel(kind),
    };

    public void Dispose() => _folder.Delete(recursive: true);

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

    /// <summary>Each kind has a small model folder of its own, one file of which is broken anew for every input.</summary>
    private FuzzTarget OfModel(string kind)
    {
        var folder = _folder.CreateSubdirectory(kind).FullName;
        var config = new ModelConfig
        {
            Family = ModelFamily.Qwen2, HiddenSize = 8, Layers = 1, Heads = 2, KeyValueHeads = 1, HeadSize = 4, IntermediateSize = 8, VocabularySize = 16, MaxPositions = 32, TiedHead = false,
        };
        ModelFiles.Write(folder, config, ModelFiles.Random(config, 1));
        var name = kind switch { "config" => "config.json", "safetensors" => "model.safetensors", _ => "model.safetensors.index.json" };
        if (kind == "index")
            CutIntoShards(folder);
        var path = Path.Combine(folder, name);
        return new FuzzTarget(kind, [File.ReadAllBytes(path)], input =>
        {
            File.WriteAllBytes(path, input);
            ModelDescription.Read(folder);
            ModelFiles.Read(folder);
        }, error => error is ModelFormatException);
    }

    private static void CutIntoShards(string folder)
    {
        var tensors = ModelDescription.Read(folder).Tensors;
        File.Move(Path.Combine(folder, "model.safetensors"), Path.Combine(folder, Shard));
        var index = new { metadata = new { total_size = tensors.Sum(tensor => tensor.Bytes) }, weight_map = tensors.ToDictionary(tensor => tensor.Name, _ => Shard) };
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), JsonSerializer.Serialize(index));
    }
}
