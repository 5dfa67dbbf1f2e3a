using Distributed.Engine.Model;

namespace Distributed.Engine.Formats;

/// <summary>A model as a Hugging Face folder: config.json and model.safetensors. The tokenizer's file beside them is read by its own class.</summary>
internal static class ModelFolder
{
    public const string ConfigName = "config.json";
    public const string WeightsName = "model.safetensors";

    /// <summary>Loads configuration and weights (F32, F16 or BF16, upcast to float32).</summary>
    /// <exception cref="ModelFormatException">A file is missing or not as it must be; the message names it, the place and the mend.</exception>
    public static unsafe ModelWeights Load(string folder)
    {
        if (!Directory.Exists(folder))
            throw new ModelFormatException($"{folder}: there is no such folder; give a folder with {ConfigName} and {WeightsName}.");
        var config = ConfigFile.Load(Path.Combine(folder, ConfigName));
        var path = Path.Combine(folder, WeightsName);
        if (!File.Exists(path) && File.Exists(path + ".index.json"))
            throw new ModelFormatException($"{path}.index.json: the weights are in several files; merge them into one {WeightsName}.");
        using var file = SafetensorsFile.Open(path);
        var layout = new ModelLayout(config);
        var entries = layout.Tensors.Select(tensor => Find(file, tensor)).ToArray();
        RefuseExtra(file, layout, config);

        var weights = new ModelWeights(config);
        try
        {
            for (var i = 0; i < entries.Length; i++)
            {
                var values = weights.Pointer + layout.OffsetOf(i);
                file.ReadFloats(entries[i], values);
                for (long j = 0; j < layout.Tensors[i].ElementCount; j++)
                    if (!float.IsFinite(values[j]))
                        throw new ModelFormatException($"{path}: tensor '{entries[i].Name}' holds a value that is not finite (element {j}); use another checkpoint.");
            }

            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Writes config.json and model.safetensors (F32) so that an interrupted save leaves the older files whole.</summary>
    /// <exception cref="IOException">The folder cannot be written or the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder is read-only.</exception>
    public static void Save(string folder, ModelWeights weights)
    {
        Directory.CreateDirectory(folder);
        SafetensorsWriter.Write(Path.Combine(folder, WeightsName), weights);
        ConfigFile.Save(Path.Combine(folder, ConfigName), weights.Config);
    }

    private static SafetensorsEntry Find(SafetensorsFile file, Ports.TensorShape tensor)
    {
        if (!file.Entries.TryGetValue(tensor.Name, out var entry))
            throw new ModelFormatException($"{file.Path}: tensor '{tensor.Name}' is missing; the file does not belong to the {ConfigName} beside it.");
        if (!entry.Shape.SequenceEqual(tensor.Shape.Select(size => (long)size)))
            throw new ModelFormatException(
                $"{file.Path}: tensor '{tensor.Name}' has shape [{string.Join(", ", entry.Shape)}], {ConfigName} asks for [{string.Join(", ", tensor.Shape)}]; they do not belong together.");
        return entry;
    }

    private static void RefuseExtra(SafetensorsFile file, ModelLayout layout, ModelConfig config)
    {
        foreach (var name in file.Entries.Keys.Order(StringComparer.Ordinal))
        {
            // Old files keep the rotary frequencies, which follow from config.json.
            if (layout.IndexOf(name) >= 0 || name.EndsWith(".rotary_emb.inv_freq", StringComparison.Ordinal))
                continue;
            var why = name == "lm_head.weight" && config.TiedHead ? "config.json says that the head is tied; take the tensor out or set tie_word_embeddings to false"
                : "config.json has no place for it; take it out or use the right config.json";
            throw new ModelFormatException($"{file.Path}: tensor '{SafetensorsHeader.Short(name)}' is not part of the model: {why}.");
        }
    }
}
