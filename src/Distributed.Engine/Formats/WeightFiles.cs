namespace Distributed.Engine.Formats;

/// <summary>A tensor and the file that holds it.</summary>
internal readonly record struct StoredTensor(SafetensorsFile File, SafetensorsEntry Entry);

/// <summary>A model's tensors in one safetensors file, or in several with an index. As in Hugging Face's own loader, the single file comes first if there are both.</summary>
internal sealed class WeightFiles : IDisposable
{
    private readonly List<SafetensorsFile> _files = [];
    private readonly Dictionary<string, StoredTensor> _tensors = [];

    private WeightFiles(string path) => Path = path;

    /// <summary>The single file or the index, for messages.</summary>
    public string Path { get; }

    public IReadOnlyList<SafetensorsFile> Files => _files;

    public IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    /// <summary>Opens FOLDER/NAME, or the files of FOLDER/NAME.index.json.</summary>
    /// <exception cref="ModelFormatException">A file is missing or malformed, or index and files contradict each other.</exception>
    public static WeightFiles Open(string folder, string name)
    {
        var single = System.IO.Path.Combine(folder, name);
        var index = single + ".index.json";
        var sharded = !File.Exists(single) && File.Exists(index);
        var opened = new WeightFiles(sharded ? index : single);
        try
        {
            if (sharded)
                opened.AddShards(folder, ShardIndex.Load(index));
            else
                opened.Add(SafetensorsFile.Open(single));
            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    private void Add(SafetensorsFile file)
    {
        _files.Add(file);
        foreach (var (name, entry) in file.Entries)
            if (!_tensors.TryAdd(name, new StoredTensor(file, entry)))
                throw new ModelFormatException(
                    $"{file.Path}: tensor '{SafetensorsHeader.Short(name)}' is in {System.IO.Path.GetFileName(_tensors[name].File.Path)} too; take it out of one of the two.");
    }

    private void AddShards(string folder, Dictionary<string, string> map)
    {
        foreach (var shard in map.Values.Distinct().Order(StringComparer.Ordinal))
            Add(SafetensorsFile.Open(System.IO.Path.Combine(folder, shard)));
        foreach (var (name, shard) in map)
            if (!_tensors.TryGetValue(name, out var stored) || System.IO.Path.GetFileName(stored.File.Path) != shard)
                throw new ModelFormatException(
                    $"{Path}: weight_map.{SafetensorsHeader.Short(name)} is {SafetensorsHeader.Short(shard)}, which does not hold that tensor; fetch index and files again.");
        foreach (var (name, stored) in _tensors)
            if (!map.ContainsKey(name))
                throw new ModelFormatException(
                    $"{stored.File.Path}: tensor '{SafetensorsHeader.Short(name)}' is not in the index's weight_map; fetch index and files again.");
    }
}
