using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using TorchSharp;

namespace Distributed.Engine.Torch.Hosting;

/// <summary>Finds libtorch and loads it. TorchSharp's package holds none: it comes with a package of its own, or is on the machine already.</summary>
public static class TorchRuntime
{
    /// <summary>The environment variable that names a folder with libtorch's libraries (libtorch_cpu, libc10, and libtorch_cuda if there is one), as PyTorch's <c>torch/lib</c> is one.</summary>
    public const string FolderVariable = "DISTRIBUTED_LIBTORCH";

    private const string Binding = "LibTorchSharp";

    // In the order in which they need each other; what is not there is passed over.
    private static readonly string[] s_libraries = ["c10", "torch_cpu", "c10_cuda", "torch_cuda", "torch"];
    private static readonly Lazy<string?> s_failure = new(Load);

    /// <summary>Why torch cannot be used, in one line with what to type; null if it can.</summary>
    public static string? Complaint => s_failure.Value;

    /// <summary>The folder libtorch was loaded from; null if none was.</summary>
    public static string? Folder { get; private set; }

    /// <summary>Whether torch can be used and sees a CUDA device.</summary>
    public static bool HasCuda => Complaint is null && torch.cuda.is_available();

    /// <summary>CUDA devices.</summary>
    public static int CudaDevices => HasCuda ? torch.cuda.device_count() : 0;

    // The libtorch that TorchSharp's native part is compiled against; C++ promises nothing between two of them.
    private static Version Wanted { get; } = Version.Parse(
        typeof(TorchRuntime).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(data => data.Key == "LibtorchVersion").Value!);

    private static string Binder => typeof(torch).Assembly.GetName().Version is { } version ? $"TorchSharp {version.Major}.{version.Minor}" : "TorchSharp";

    /// <summary>What is wrong with the name of a device, or null.</summary>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:N</c>.</param>
    public static string? DeviceComplaint(string device)
    {
        if (Complaint is { } complaint)
            return complaint;
        if (device == "cpu")
            return null;
        if (device != "cuda" && !(device.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(device.AsSpan(5), out var index) && index >= 0))
            return $"there is no device '{device}'; name cpu, cuda or cuda:N";
        return device == "cuda" || !HasCuda
            ? HasCuda ? null : $"torch sees no CUDA device; give --device cpu, or see docs/gpu.md"
            : int.Parse(device.AsSpan(5)) < CudaDevices ? null : $"there is no device '{device}'; torch sees {CudaDevices} (cuda:0 to cuda:{CudaDevices - 1})";
    }

    private static string? Load()
    {
        var named = Environment.GetEnvironmentVariable(FolderVariable);
        if (named is { Length: > 0 } && !LibtorchFolder.HasLibtorch(named))
            return $"{FolderVariable} is {named}, where there is no {LibtorchFolder.FileName("torch_cpu")}; name the folder that holds libtorch's libraries";
        if (LibtorchFolder.Find(named) is not { } folder)
            return $"the torch engine finds no libtorch; build with Torch=cpu or Torch=cuda in the environment, or set {FolderVariable} to the folder of a libtorch {Wanted.ToString(2)} (docs/gpu.md)";
        if ((LoadLibraries(folder) ?? LoadBinding()) is { } complaint)
            return complaint;
        try
        {
            using var one = torch.ones(1);
            Folder = folder;
            return one.item<float>() == 1 ? null : $"the libtorch in {folder} cannot count; install it anew";
        }
        catch (Exception error)
        {
            return $"the libtorch in {folder} cannot be started: {FirstLine(error.InnerException ?? error)}";
        }
    }

    private static string? LoadLibraries(string folder)
    {
        foreach (var library in s_libraries)
        {
            var path = Path.Combine(folder, LibtorchFolder.FileName(library));
            if (!File.Exists(path))
                continue;
            try
            {
                var handle = NativeLibrary.Load(path);
                if (library == "torch_cpu" && VersionComplaint(handle, folder) is { } complaint)
                    return complaint;
            }
            catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
            {
                return $"{path} cannot be loaded: {FirstLine(error)}";
            }
        }

        return null;
    }

    // libtorch has told its version through C since 2.9; before that it has no such function.
    private static unsafe string? VersionComplaint(nint library, string folder)
    {
        var there = NativeLibrary.TryGetExport(library, "aoti_torch_abi_version", out var ask) ? ((delegate* unmanaged<ulong>)ask)() : 0;
        var (major, minor) = ((int)(there >> 56), (int)(there >> 48 & 0xFF));
        return (major, minor) == (Wanted.Major, Wanted.Minor) ? null
            : $"the libtorch in {folder} is {(there == 0 ? "older than" : $"{major}.{minor}, not")} {Wanted.ToString(2)}, which {Binder} needs; install that one, or build with Torch=cpu or Torch=cuda in the environment (docs/gpu.md)";
    }

    private static string? LoadBinding()
    {
        var path = LibtorchFolder.ProgramFolders.Select(folder => Path.Combine(folder, LibtorchFolder.FileName(Binding))).FirstOrDefault(File.Exists);
        if (path is null)
            return $"{Binder} has no native part for {LibtorchFolder.Rid}; use --engine managed here";
        nint handle;
        try
        {
            handle = OlderStandardLibrary.LoadWithout(path);
        }
        catch (Exception error) when (error is DllNotFoundException or BadImageFormatException)
        {
            return $"{path} cannot be loaded: {FirstLine(error)}; it needs a libstdc++ as of GCC 12 or later (Debian 12, Ubuntu 22.04), see docs/gpu.md";
        }

        AssemblyLoadContext.GetLoadContext(typeof(torch).Assembly)!.ResolvingUnmanagedDll += (_, name) => name == Binding ? handle : 0;
        return null;
    }

    private static string FirstLine(Exception error) => error.Message.Split('\n', StringSplitOptions.RemoveEmptyEntries)[0].Trim();
}
