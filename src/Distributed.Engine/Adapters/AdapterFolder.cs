using Distributed.Engine.Formats;
using Distributed.Engine.Model;

namespace Distributed.Engine.Adapters;

/// <summary>An adapter as PEFT keeps it: adapter_config.json and adapter_model.safetensors (huggingface.co/docs/peft, "PEFT checkpoint format").</summary>
internal static unsafe class AdapterFolder
{
    public const string ConfigName = "adapter_config.json";
    public const string WeightsName = "adapter_model.safetensors";

    /// <exception cref="ModelFormatException">A file is missing or broken, belongs to another model, or asks for what the engine does not do.</exception>
    public static AdapterWeights Load(string folder, ModelConfig config)
    {
        if (!Directory.Exists(folder))
            throw new ModelFormatException($"{folder}: there is no such folder; give a folder with {ConfigName} and {WeightsName}.");
        var configPath = Path.Combine(folder, ConfigName);
        var layout = LayoutOf(configPath, config, AdapterConfigFile.Load(configPath));
        using var file = SafetensorsFile.Open(Path.Combine(folder, WeightsName));
        var known = layout.Tensors.Select(tensor => tensor.Name).ToHashSet();
        foreach (var name in file.Entries.Keys.Order(StringComparer.Ordinal))
            if (!known.Contains(name))
                throw new ModelFormatException($"{file.Path}: tensor '{SafetensorsHeader.Short(name)}' is not one that {ConfigName} and the model ask for; they do not belong together.");
        var weights = new AdapterWeights(layout);
        try
        {
            long at = 0;
            foreach (var tensor in layout.Tensors)
            {
                if (!file.Entries.TryGetValue(tensor.Name, out var entry))
                    throw new ModelFormatException($"{file.Path}: tensor '{tensor.Name}' is missing; {ConfigName} asks for it.");
                if (!entry.Shape.SequenceEqual(tensor.Shape.Select(size => (long)size)))
                    throw new ModelFormatException(
                        $"{file.Path}: tensor '{tensor.Name}' has shape [{string.Join(", ", entry.Shape)}], {ConfigName} and the model ask for [{string.Join(", ", tensor.Shape)}].");
                file.ReadFloats(entry, weights.Pointer + at);
                at += tensor.ElementCount;
            }

            return weights;
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <exception cref="IOException">The folder cannot be written.</exception>
    public static void Save(string folder, AdapterWeights weights, string? baseModel)
    {
        Directory.CreateDirectory(folder);
        var bytes = new byte[weights.ByteCount];
        weights.CopyTo(bytes);
        SafetensorsWriter.Write(Path.Combine(folder, WeightsName), weights.Tensors, SafetensorsWriter.Metadata, [bytes]);
        AdapterConfigFile.Save(Path.Combine(folder, ConfigName), weights.Layout.Options, baseModel);
    }

    /// <exception cref="ModelFormatException">The options do not suit the model.</exception>
    public static AdapterLayout LayoutOf(string path, ModelConfig config, LoraOptions options)
    {
        try
        {
            return new AdapterLayout(config, options);
        }
        catch (ArgumentException e)
        {
            throw new ModelFormatException($"{path}: {options.Complaint(config) ?? "leaves no module to adapt"}; use the adapter with its own model.", e);
        }
    }
}
