using System.Text.Json;
using System.Text.Json.Nodes;
using Distributed.Engine.Adapters;
using Distributed.Ports;

namespace Distributed.Engine.Formats;

/// <summary>Rewrites a Hugging Face model folder: another type of weights, other files, an adapter merged in. Holds one block of rows in memory at a time.</summary>
public static class ModelConversion
{
    private const int BlockFloats = 1 << 20;
    private static readonly string[] s_besides =
    [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json", "merges.txt", "generation_config.json",
        "chat_template.jinja", "chat_template.json",
    ];

    /// <summary>Converts.</summary>
    /// <param name="from">A model folder.</param>
    /// <param name="to">A folder that does not exist yet, or is empty.</param>
    /// <param name="options">What to change.</param>
    /// <exception cref="ModelFormatException">A file is missing or broken, a value does not fit the type, or the target is not empty.</exception>
    /// <exception cref="IOException">The target cannot be written.</exception>
    public static ConversionResult Convert(string from, string to, ConversionOptions options) => Convert(from, to, options, null);

    /// <summary>Merges an adapter that is in memory into a model folder's weights, which keep their type.</summary>
    /// <param name="from">A model folder.</param>
    /// <param name="to">A folder that does not exist yet, or is empty.</param>
    /// <param name="adapter">An adapter of that model.</param>
    /// <exception cref="ModelFormatException">A file is missing or broken, a value does not fit the type, or the target is not empty.</exception>
    /// <exception cref="ArgumentException">The adapter is another model's.</exception>
    /// <exception cref="IOException">The target cannot be written.</exception>
    public static ConversionResult Merge(string from, string to, LowRankAdapter adapter) => Convert(from, to, new ConversionOptions(), adapter);

    private static ConversionResult Convert(string from, string to, ConversionOptions options, LowRankAdapter? merged)
    {
        if (Directory.Exists(to) && Directory.EnumerateFileSystemEntries(to).Any())
            throw new ModelFormatException($"{to}: is not empty; name a new folder.");
        if (options.MostShardBytes < 0)
            throw new ModelFormatException($"{to}: files of at most {options.MostShardBytes} bytes cannot be written; give a positive size, or 0 for one file.");
        using var source = ModelFolder.Open(from);
        using var adapter = options.Adapter is { } path ? AdapterFolder.Load(path, source.Config) : merged?.ToWeights(source.Config);
        var types = source.Layout.Tensors.Select(tensor => source.Find(tensor)).Select(stored => stored.File.TypeOf(stored.Entry)).Distinct().ToArray();
        var type = options.Type ?? (types.Length == 1 ? types[0] : WeightType.F32);
        Directory.CreateDirectory(to);

        var shards = Plan(source.Layout.Tensors, type, options.MostShardBytes);
        var names = new List<string>();
        var map = new Dictionary<string, string>();
        for (var i = 0; i < shards.Count; i++)
        {
            var name = shards.Count == 1 ? ModelFolder.WeightsName : $"model-{i + 1:00000}-of-{shards.Count:00000}.safetensors";
            names.Add(name);
            foreach (var tensor in shards[i])
                map.Add(tensor.Name, name);
            SafetensorsWriter.Write(Path.Combine(to, name), shards[i], type, SafetensorsWriter.Metadata, file =>
            {
                foreach (var tensor in shards[i])
                    Write(file, source.Find(tensor), type, adapter);
            });
        }

        var bytes = source.Layout.ParameterCount * type.Size();
        if (shards.Count > 1)
            ShardIndex.Save(Path.Combine(to, ModelFolder.WeightsName + ".index.json"), map, bytes);
        WriteConfig(Path.Combine(from, ModelFolder.ConfigName), Path.Combine(to, ModelFolder.ConfigName), type);
        foreach (var name in s_besides)
            if (File.Exists(Path.Combine(from, name)))
                File.Copy(Path.Combine(from, name), Path.Combine(to, name));
        return new ConversionResult(type, names, bytes, adapter?.Layout.Matrices.Count ?? 0);
    }

    private static List<List<TensorShape>> Plan(IReadOnlyList<TensorShape> tensors, WeightType type, long most)
    {
        var shards = new List<List<TensorShape>> { new() };
        long bytes = 0;
        foreach (var tensor in tensors)
        {
            var size = tensor.ElementCount * type.Size();
            if (most > 0 && bytes > 0 && bytes + size > most)
            {
                shards.Add([]);
                bytes = 0;
            }

            shards[^1].Add(tensor);
            bytes += size;
        }

        return shards;
    }

    private static unsafe void Write(Stream to, StoredTensor stored, WeightType type, AdapterWeights? adapter)
    {
        var matrix = adapter?.Layout.Matrices.FirstOrDefault(matrix => matrix.Module.Name + ".weight" == stored.Entry.Name);
        var own = stored.File.TypeOf(stored.Entry);
        long width = stored.Entry.Shape[^1], rows = stored.Entry.ElementCount / width;
        var block = (int)Math.Max(1, BlockFloats / width);
        var floats = new float[block * width];
        var bytes = new byte[block * width * type.Size()];
        using var view = stored.File.View(stored.Entry);
        fixed (float* values = floats)
        fixed (byte* narrowed = bytes)
        {
            for (long row = 0; row < rows; row += block)
            {
                var count = Math.Min(block, rows - row) * width;
                WeightTypes.ToFloats(view.Pointer + (row * width * own.Size()), own, values, count);
                if (WeightTypes.FirstNotFinite(values, count) is var bad and >= 0)
                    throw stored.File.NotFinite(stored.Entry, (row * width) + bad);
                if (matrix is not null)
                    adapter!.AddDelta(matrix, values, (int)row, (int)(count / width));
                if (!WeightTypes.FromFloats(values, type, narrowed, count))
                    throw new ModelFormatException($"{stored.File.Path}: tensor '{stored.Entry.Name}' has a value too large for {type}; convert to F32 or BF16.");
                to.Write(new ReadOnlySpan<byte>(narrowed, (int)(count * type.Size())));
            }
        }
    }

    // Everything the engine does not know of stays as it was.
    private static void WriteConfig(string from, string to, WeightType type)
    {
        var config = JsonNode.Parse(File.ReadAllBytes(from), documentOptions: new JsonDocumentOptions { MaxDepth = 32 })!.AsObject();
        var key = config.ContainsKey("dtype") ? "dtype" : "torch_dtype";
        config[key] = type.TorchName();
        JsonFile.Write(to, json => config.WriteTo(json));
    }
}
